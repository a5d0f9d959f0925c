"""`answerprintd` with scripted children: the name of a clip is the scene that its worker plays.

python scripted_daemon.py           the daemon
python scripted_daemon.py KIND      one of its children
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, NoReturn

from answerprint.errors import MediaError
from answerprint.ipc import events
from answerprint.ipc.messages import Message, MessageReader, encode_message, write_whole


class Child:
    """The pipes of a child, and what it is told."""

    def __init__(self) -> None:
        self._out: BinaryIO = os.fdopen(os.dup(1), "wb", buffering=0)
        self._reader = MessageReader(sys.stdin.buffer)
        self._stopped = threading.Event()
        self.job = ""

    def emit(self, event: Message) -> None:
        write_whole(self._out, encode_message({**event, "job": self.job}))

    def next(self) -> Message:
        message = self._reader.receive()
        if message is None or message["type"] == "exit":
            os._exit(0)
        return message

    def progress(self, done: int = 1) -> None:
        self.emit(events.progress("denoise", done, 4, seconds_per_frame=0.5, eta_seconds=9.0, step=1, steps=2))


def bad(child: Child) -> None:
    child.emit(events.error(MediaError("The clip is a poem.", "Film something.")))


def crash(child: Child) -> None:
    child.progress()
    raise RuntimeError("the lens cap was on")


def silent(child: Child) -> None:
    os._exit(0)


def segv(child: Child) -> None:
    child.progress()
    os.kill(os.getpid(), signal.SIGSEGV)


def killed(child: Child) -> None:
    child.progress()
    os.kill(os.getpid(), signal.SIGKILL)


def patient(child: Child) -> None:
    """Works until it is told to stop."""
    child.emit(events.warning(f"pid {os.getpid()}"))
    child.progress()
    while child.next()["type"] != "stop":
        pass
    child.emit(events.stopped(at_border=False))


SCENES: dict[str, Callable[[Child], None]] = {
    scene.__name__: scene for scene in (bad, crash, silent, segv, killed, patient)
}


def play(kind: str) -> NoReturn:
    """Be a child."""
    child = Child()
    while True:
        message = child.next()
        child.job = str(message.get("job", ""))
        if message["type"] == "serve":
            child.emit(events.ready(os.getpid(), "cpu", [{"name": "cpu", "about": "a stage", "bytes": 0}], {}))
        elif message["type"] == "probe":
            child.emit({**events.report({"range": [0, 4]}), "id": message["id"]})
        elif message["type"] in ("restore", "preview"):
            SCENES[Path(message["request"]["input"]).stem](child)


if __name__ == "__main__":
    if sys.argv[1:]:
        play(sys.argv[1])
    from answerprint.cli.answerprintd import main  # not for the children, which are to start fast

    sys.exit(main(["--quiet"], child_command=lambda kind: [sys.executable, __file__, kind]))
