"""How a test steers the stand-ins for the children: by files in a folder, which they read at each step of their work.

CONTROL/<clip>.json           what a clip is like, and what goes wrong when: see `Script`
CONTROL/visits/               one file for each time that a step was reached, with the process that did
CONTROL/go/<clip> <step>      ends a `hold` there
CONTROL/violations            what the daemon did that it must not do
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
import threading
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from answerprint.errors import DiskFullError, JobFailedError, MediaError, StorageError
from answerprint.ipc import events
from answerprint.ipc.messages import Message
from answerprint.store.receipts import DamagedChunkError
from answerprint.worker.requests import JobChannel

__all__ = [
    "FOUND",
    "VARIABLE",
    "DamagedError",
    "Script",
    "SourceChangedError",
    "Steering",
    "facts",
    "pictures",
    "whole",
]

VARIABLE = "ANSWERPRINT_STANDIN_CONTROL"
FOUND = ["/a file", 1, 2, 3, {"field_order": "progressive"}]
"""What a probe says of the fields of any clip."""
_POLL_SECONDS = 0.002


class DamagedError(DamagedChunkError):
    """Chunks must be made again, from `chunk` on."""

    def __init__(self, chunk: int) -> None:
        super().__init__("What was finished is damaged.")
        self.chunk = chunk

    @property
    def details(self) -> dict[str, object]:
        return {"chunk": self.chunk}


class SourceChangedError(JobFailedError):
    """The source is another one now."""

    code = "source_changed"


@dataclass
class Script:
    """A clip. faults: by step, what happens the first time that it is reached, the second time, and so on."""

    chunks: int = 3
    frames: int = 2
    """Of each chunk."""
    scratch_bytes: int = 1000
    output_bytes: int = 1000
    needed_bytes: int = 1 << 20
    folder: str = ""
    steps: int = 1
    """Progress events a chunk."""
    faults: dict[str, list[str]] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Frames of the clip."""
        return self.chunks * self.frames


class Steering:
    """The folder, from both sides."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("visits", "go"):
            (folder / name).mkdir(parents=True, exist_ok=True)

    @classmethod
    def of_child(cls) -> Steering:
        return cls(Path(os.environ[VARIABLE]))

    # The test's side

    def write(self, clip: str, script: Script) -> None:
        """Say what a clip is like."""
        path = self.folder / f"{clip}.json"
        temporary = path.with_suffix(".new")
        temporary.write_text(json.dumps(asdict(script)))
        temporary.replace(path)

    def go(self, clip: str, step: str) -> None:
        """End a hold, also one that has not begun."""
        (self.folder / "go" / f"{clip} {step}").touch()

    def visits(self, clip: str, step: str) -> int:
        """How often a step was reached."""
        return len(list((self.folder / "visits").glob(f"{clip} {step} *")))

    def process(self, clip: str, step: str) -> int:
        """The process that reached a step last."""
        return int((self.folder / "visits" / f"{clip} {step} {self.visits(clip, step) - 1}").read_text())

    @property
    def order(self) -> list[str]:
        """The steps that were reached, in the order in which they were."""
        visits = sorted((self.folder / "visits").iterdir(), key=lambda path: path.stat().st_mtime_ns)
        return [path.name.rpartition(" ")[0] for path in visits]

    @property
    def violations(self) -> list[str]:
        path = self.folder / "violations"
        return path.read_text().splitlines() if path.exists() else []

    # The child's side

    def script(self, clip: str) -> Script:
        path = self.folder / f"{clip}.json"
        return Script(**json.loads(path.read_text())) if path.exists() else Script()

    def refuse(self, what: str) -> NoReturn:
        """The daemon has broken the contract: no test may pass."""
        with (self.folder / "violations").open("a") as file:
            file.write(f"{what}\n")
        os._exit(70)

    def expect(self, true: object, what: str) -> None:
        if not true:
            self.refuse(what)

    def expect_found(self, message: Message) -> None:
        """What a probe found must be told as it was, but to a daemon that asked for none since its start."""
        self.expect(message.get("fields", FOUND) == FOUND, f"no probe found {message.get('fields')}")

    def reach(self, clip: str, step: str, talk: JobChannel | None = None, *, border: bool = True) -> None:
        """A step: fail here if the script says so. border: whether a wish to stop is heard here."""
        if border and talk is not None:
            talk.check()
        actions = self.script(clip).faults.get(step, [])
        visit = self._count(clip, step)
        if visit < len(actions):
            self._act(actions[visit], clip, step, talk, border)

    def _count(self, clip: str, step: str) -> int:
        for visit in range(1000):
            path = self.folder / "visits" / f"{clip} {step} {visit}"
            try:
                with path.open("x") as file:
                    file.write(str(os.getpid()))
            except FileExistsError:
                continue
            return visit
        raise AssertionError(f"{clip} {step} is reached without end")

    def _act(self, action: str, clip: str, step: str, talk: JobChannel | None, border: bool) -> None:
        if action == "hold":
            self._hold(clip, step, talk, border)
        elif action == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif action == "abort":
            os.abort()
        elif action == "exit":
            sys.stderr.write("something broke\n")
            sys.stderr.flush()
            os._exit(1)
        elif action == "read" and talk is not None:
            for seconds in range(20):  # a slow disk: little comes, and it is said
                threading.Event().wait(0.05)
                talk.emit(events.stage("probe", f"Reading {clip}: {seconds} frames so far"))
        elif action == "vanish":
            os._exit(0)
        elif action == "hang":
            threading.Event().wait()
        elif action == "garbage":
            _babble(talk)
        elif action:
            raise self._error(action, clip)

    def _error(self, action: str, clip: str) -> Exception:
        script = self.script(clip)
        kind, _, number = action.partition(":")
        errors: dict[str, Exception] = {
            "full": DiskFullError("The disk is full.", needed_bytes=script.needed_bytes, folder=script.folder),
            "storage": StorageError("The disk failed.", "Check the disk."),
            "changed": SourceChangedError("The clip has changed."),
            "fail": JobFailedError("It did not work.", "Try another way."),
            "refuse": MediaError("That is no film.", "Convert it."),
            "damaged": DamagedError(int(number or 0)),
        }
        return errors[kind]

    def _hold(self, clip: str, step: str, talk: JobChannel | None, border: bool) -> None:
        """Say where it is, and wait there."""
        if talk is not None:
            talk.emit(events.stage("denoise", f"hold {step}"))
        while not (self.folder / "go" / f"{clip} {step}").exists():
            if border and talk is not None:
                talk.check()
            threading.Event().wait(_POLL_SECONDS)


def _babble(talk: Any) -> None:  # noqa: ANN401 - past the channel, which sends nothing but messages
    talk.send.__self__._writer._stream.write(b"\0\0\0\2no")
    threading.Event().wait()


def pictures(clip: str, before: bytes, chunk: int) -> tuple[bytes, bytes]:
    """What a chunk is like, and what it hands on: both follow from what was handed to it."""
    carry = hashlib.sha256(before + f"{clip} {chunk}".encode()).digest()
    return f"{clip} {chunk} {carry.hex()}\n".encode() * 4, carry


def whole(clip: str, script: Script) -> bytes:
    """The deliverable of a job that nothing has disturbed."""
    parts, carry = [], b""
    for chunk in range(script.chunks):
        segment, carry = pictures(clip, carry, chunk)
        parts.append(segment)
    return b"".join(parts)


def facts(request: Any, script: Script) -> dict[str, Any]:  # noqa: ANN401 - a RestoreRequest
    """What a source is found to be."""
    return {
        "input": {
            "path": request.clip.media, "width": 64, "height": 48, "rate": "25", "frames": script.total,
            "range": (0, script.total),
        },
        "output": {"path": request.output, "width": 256, "height": 192, "codec": "prores4444"},
    }  # fmt: skip
