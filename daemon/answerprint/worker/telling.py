"""A long look at a file, told to the parent: so it knows a slow disk from a child that hangs."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from answerprint.frames import events
from answerprint.media import OnRead

from .job_channel import JobChannel

__all__ = ["tell_reading"]

_EVERY_SECONDS = 5.0


def tell_reading(
    path: str, talk: JobChannel, *, every_seconds: float = _EVERY_SECONDS, clock: Callable[[], float] = time.monotonic
) -> OnRead:
    """Return what says now and then how many frames were found, and ends the reading when nobody wants it any more.

    It raises what `talk.check` raises. Nothing is said where nothing is read: a disk that hangs is seen as it is.
    """
    name = Path(path).name
    said = clock()

    def on_read(frames: int) -> None:
        nonlocal said
        now = clock()
        if now - said >= every_seconds:
            said = now
            talk.check()
            talk.emit(events.stage("probe", f"Reading {name}: {frames:,} frames so far"))

    return on_read
