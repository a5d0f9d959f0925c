"""A child that plays a scene: `python child_script.py SCENE`, run as a real process in the place of a worker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from answerprint.errors import CancelledError, MediaError
from answerprint.ipc import events
from answerprint.ipc.channel import ChildChannel
from answerprint.ipc.messages import Message

_COUNTS: events.FlowCounts = {"hits": 1, "misses": 2}


class Scene:
    """What the scenes share: the channel, the request, and the pid told to whoever watches."""

    def __init__(self) -> None:
        self.raw = os.dup(1)
        self.channel = ChildChannel.open()
        self.request: Message = self.channel.request()
        self.channel.emit(events.stage("load", f"pid {os.getpid()}"))

    def progress(self, done: int) -> None:
        self.channel.emit(events.progress("denoise", done, 4, seconds_per_frame=0.5, eta_seconds=9.0, step=1, steps=2))

    def done(self) -> None:
        self.channel.emit(
            events.done(self.request["output"], 4, 2.0, flow_cache=_COUNTS, peak_memory_bytes=10, stages={"flow": 0.5})
        )


def done(scene: Scene) -> None:
    scene.progress(1)
    scene.progress(4)
    scene.done()


def prints(scene: Scene) -> None:
    sys.stdout.write("a library talks\n")
    sys.stdout.flush()
    os.write(1, b"a C library talks\n")
    subprocess.run([sys.executable, "-c", "print('a grandchild talks')"], check=True)
    done(scene)


def echo(scene: Scene) -> None:
    scene.channel.emit(events.warning(repr(sorted(scene.request.items()))))
    scene.done()


def reads(scene: Scene) -> None:
    scene.channel.emit(events.warning(repr(sys.stdin.read())))
    scene.done()


def error(scene: Scene) -> None:
    scene.channel.emit(events.error(MediaError("The clip is a poem.", "Film something.")))


def crash(scene: Scene) -> None:
    scene.progress(1)
    raise RuntimeError("the lens cap was on")


def silent(scene: Scene) -> None:
    scene.progress(1)


def segv(scene: Scene) -> None:
    scene.progress(1)
    os.kill(os.getpid(), signal.SIGSEGV)


def killed(scene: Scene) -> None:
    scene.progress(1)
    os.kill(os.getpid(), signal.SIGKILL)


def garbage(scene: Scene) -> None:
    scene.progress(1)
    os.write(scene.raw, b"hello, this is no message at all")
    _for_ever()


def not_json(scene: Scene) -> None:
    os.write(scene.raw, (5).to_bytes(4, "big") + b"ni{al")
    _for_ever()


def no_event(scene: Scene) -> None:
    scene.channel.emit({"event": "picnic"})
    _for_ever()


def truncated(scene: Scene) -> None:
    os.write(scene.raw, (500).to_bytes(4, "big") + b'{"event":')


def patient(scene: Scene) -> None:
    """A well-behaved worker: its partial file goes when it is terminated."""
    partial = Path(scene.request["output"] + ".partial")
    partial.touch()
    try:
        scene.progress(1)
        _for_ever()
    except CancelledError as cause:
        scene.channel.emit(events.error(cause))
    finally:
        partial.unlink()


def too_late(scene: Scene) -> None:
    """Finishes all the same."""
    try:
        scene.progress(1)
        _for_ever()
    except CancelledError:
        scene.done()


def deaf(scene: Scene) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    scene.progress(1)
    _for_ever()


def flood(scene: Scene) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        scene.progress(1)


def lingers(scene: Scene) -> None:
    """Its work is done, yet it does not end."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    scene.done()
    _for_ever()


def _for_ever() -> NoReturn:
    while True:
        threading.Event().wait(0.05)


SCENES: dict[str, Callable[[Scene], None]] = {
    scene.__name__: scene
    for scene in (
        done, prints, echo, reads, error, crash, silent, segv, killed, garbage, not_json, no_event, truncated, patient,
        too_late, deaf, flood, lingers,
    )
}  # fmt: skip


if __name__ == "__main__":
    SCENES[sys.argv[1]](Scene())
