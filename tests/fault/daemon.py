"""The shipped daemon as a process: started, found, killed, started again; and what its children are."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from signal import SIGKILL, Signals
from types import TracebackType
from typing import Self, TypeVar

from answerprint.child import command
from answerprint.client.client import Client
from answerprint.errors import NoDaemonError
from answerprint.rpc.session_file import read_session
from answerprint.store.shared_scratch import own_scratch
from answerprint.store.verify import Verification, verify_journal

__all__ = ["PATIENCE_SECONDS", "DaemonProcess", "await_value", "processor_seconds"]

T = TypeVar("T")

PATIENCE_SECONDS = 240.0
"""Longest wait for anything at all: on a machine at work on ten other things a short job takes more than 90 s."""

_POLL_SECONDS = 0.01
_CONNECT_SECONDS = 0.2


def await_value(look: Callable[[], T | None], seconds: float = PATIENCE_SECONDS) -> T:
    """Return what `look` finds, once it finds anything but None or False. Raises AssertionError when it never does."""
    deadline, pause = time.monotonic() + seconds, threading.Event()
    while not (found := look()):
        assert time.monotonic() < deadline, f"it did not come in {seconds:.0f} s"
        pause.wait(_POLL_SECONDS)
    return found


def processor_seconds(pid: int, *, ended_children: bool = False) -> float:
    """Time of processors that a process took so far; also of its children that have ended and were waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11 : 15 if ended_children else 13])) / os.sysconf("SC_CLK_TCK")


class DaemonProcess:
    """`answerprintd` with a home of its own; leaving the block ends it and its children, whatever they do."""

    def __init__(
        self,
        home: Path,
        *,
        env: Mapping[str, str] | None = None,
        wrapper: Sequence[str] = (),
        program: Sequence[str] | None = None,
        root: Path = Path("/"),
    ) -> None:
        """env: over this process's own. wrapper: what starts it. program: in its place. root: of the disks it sees."""
        self.home = home
        self.env: dict[str, str] = {"ANSWERPRINT_DISK_POLL_SECONDS": "0.2", **(env or {})}
        self._command = [*wrapper, *(program or command("daemon")), "--quiet"]
        self._root = root
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        """Process id of the one that runs, or ran."""
        assert self.process is not None
        return self.process.pid

    @property
    def run(self) -> Path:
        """Its run folder."""
        return self.home / "run"

    @property
    def scratch(self) -> Path:
        """Where it keeps chunks, as this process sees it."""
        named = self.env.get("ANSWERPRINT_SCRATCH")
        home = self.seen(self.home)
        return own_scratch(self.seen(Path(named)), home) if named else home / "scratch"

    @property
    def journal(self) -> Path:
        """Its journal, as this process sees it."""
        return self.seen(self.home / "state" / "journal.db")

    def seen(self, path: Path) -> Path:
        """Where this process finds a file that the daemon knows by a path."""
        return self._root / path.relative_to("/")

    @property
    def log(self) -> str:
        """All that it logged, over all its starts."""
        with contextlib.suppress(FileNotFoundError):
            return (self.home / "logs" / "daemon.log").read_text()
        return ""

    def spawn(self) -> subprocess.Popen[bytes]:
        """Start it, and wait for nothing."""
        self.process = subprocess.Popen(
            self._command,
            env={**_environment(), "ANSWERPRINT_HOME": str(self.home), **self.env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        return self.process

    def start(self) -> Self:
        """Start it, and wait until it serves. Raises AssertionError when it ends instead."""
        process = self.spawn()
        await_value(lambda: self.serves() or process.poll() is not None)
        assert process.poll() is None, f"it did not start: {self.said()}"
        return self

    def refused(self) -> tuple[int, str]:
        """Start it where it must not start; returns its exit code and what it said."""
        code = self.spawn().wait(PATIENCE_SECONDS)
        return code, self.said()

    def said(self) -> str:
        """What an ended one wrote to standard error."""
        assert self.process is not None
        assert self.process.stderr is not None
        with self.process.stderr as errors:
            return errors.read().decode()

    def client(self) -> Client:
        """A client of its own for the caller."""
        return Client.connect(self.run, timeout=PATIENCE_SECONDS)

    def signal(self, number: Signals) -> None:
        """Send it a signal; its children get none."""
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self, number: Signals = SIGKILL) -> int | None:
        """End it by a signal and wait for its end; its exit code, None where it was not running."""
        if self.process is None:
            return None
        self.process.send_signal(number)
        code = self.process.wait(PATIENCE_SECONDS)
        if self.process.stderr is not None:
            self.process.stderr.close()
        self.process = None
        return code

    def children(self, kind: str) -> list[int]:
        """Process ids of its children of a kind, the oldest first."""
        if self.process is None:
            return []
        listing = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        try:
            pids = [int(pid) for pid in listing.read_text().split()]
        except OSError:
            return []
        return [pid for pid in pids if _arguments(pid)[-1:] == [kind]]

    def verify(self) -> Verification:
        """What `answerprint doctor --verify` finds."""
        return verify_journal(self.journal, self.scratch)

    def serves(self) -> bool:
        """Whether this very process answers."""
        try:
            if read_session(self.run).pid != self.pid:  # cheap, for those who ask again and again
                return False
            with Client.connect(self.run, timeout=_CONNECT_SECONDS) as client:
                return client.session.pid == self.pid
        except NoDaemonError:
            return False


def _environment() -> dict[str, str]:
    """This process's own, without what is meant for other daemons."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANSWERPRINT_")}
    return {**kept, "OMP_NUM_THREADS": "1"}


def _arguments(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().rstrip("\0").split("\0")
    except (OSError, UnicodeDecodeError):
        return []
