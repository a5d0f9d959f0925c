"""Real children of the program, spoken to as the daemon does."""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from answerprint.child import command
from answerprint.ipc.events import FINAL, check_event
from answerprint.ipc.messages import Message, MessageReader, encode_message, write_whole
from answerprint.store.receipts import ChunkReceipt

__all__ = ["DEADLINE_SECONDS", "JOB", "Child", "chunks_in", "of_kind", "restore_order", "run_job"]

DEADLINE_SECONDS = 120.0
JOB = "0b9f3a52-6c1e-4a80-9d57-3f9f0f9a2c11"


class Child:
    """A child that serves; leaving the block ends it, whatever it does."""

    def __init__(
        self,
        kind: str,
        home: Path,
        *,
        env: Mapping[str, str] | None = None,
        program: Sequence[str] = (),
    ) -> None:
        """program: another command than the usual one."""
        self._process = subprocess.Popen(
            list(program) or command(kind),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env={**os.environ, "ANSWERPRINT_HOME": str(home), "OMP_NUM_THREADS": "1", **(env or {})},
        )
        self._events: queue.Queue[Message | None] = queue.Queue()
        self._errors: list[bytes] = []
        self.seen: list[Message] = []
        self._threads = [
            threading.Thread(target=self._receive, daemon=True),
            threading.Thread(target=self._listen, daemon=True),
        ]
        for thread in self._threads:
            thread.start()
        self.send({"type": "serve"})

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def said(self) -> str:
        """What it printed."""
        return b"".join(self._errors).decode()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        for thread in self._threads:
            thread.join(DEADLINE_SECONDS)
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            assert pipe is not None
            pipe.close()

    def send(self, message: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # the end of its events says more
            write_whole(self._process.stdin, encode_message(message))

    def close(self) -> None:
        """What it sees when the parent has died."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    def next(self) -> Message | None:
        """The next event; None where there will be no more."""
        event = self._events.get(timeout=DEADLINE_SECONDS)
        if event is not None:
            self.seen.append(event)
        return event

    def until(self, wanted: str | Callable[[Message], bool]) -> Message:
        """Read on to an event by its name, or by what it holds."""
        while (event := self.next()) is not None:
            if event["event"] == wanted if isinstance(wanted, str) else wanted(event):
                return event
        raise AssertionError(f"it ended before {wanted}: {self.seen[-3:]}, {self.said}")

    def final(self) -> Message:
        """Read on to the end of a job."""
        return self.until(lambda event: event["event"] in FINAL)

    def ended(self, seconds: float = DEADLINE_SECONDS) -> int:
        """Wait for its end; its exit code."""
        return self._process.wait(seconds)

    def rest(self) -> list[Message]:
        """All events up to its end."""
        while self.next() is not None:
            pass
        return self.seen

    def _receive(self) -> None:
        assert self._process.stdout is not None
        reader = MessageReader(self._process.stdout)
        try:
            while (message := reader.receive()) is not None:
                self._events.put(check_event(message))
        finally:
            self._events.put(None)

    def _listen(self) -> None:
        assert self._process.stderr is not None
        while part := self._process.stderr.read(1 << 12):
            self._errors.append(part)


def of_kind(events: list[Message], kind: str) -> list[Message]:
    return [event for event in events if event["event"] == kind]


def chunks_in(events: list[Message]) -> list[ChunkReceipt]:
    """The receipts of the chunks that were reported."""
    return [ChunkReceipt.from_json(event["receipt"]) for event in of_kind(events, "chunk")]


def restore_order(
    request: Message, folder: Path, receipts: list[ChunkReceipt], *, rung: int = 0, fingerprint: str = ""
) -> Message:
    """What the daemon sends for a job of which these chunks are committed."""
    last = receipts[-1] if receipts else None
    return {
        "type": "restore",
        "job": JOB,
        "request": request,
        "scratch": str(folder),
        "resume": None if last is None else last.to_json(),
        "chunk": 0 if last is None else last.chunk + 1,
        "frames_done": 0 if last is None else last.stop - receipts[0].first,
        "rung": rung,
        "fingerprint": fingerprint,
        "keep_alive_seconds": 300,
    }


def run_job(child: Child, order: Message) -> list[Message]:
    """Its events, to the last."""
    before = len(child.seen)
    child.send(order)
    child.final()
    return child.seen[before:]
