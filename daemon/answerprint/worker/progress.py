"""How far a job is, for its parent; and the place where a job that is not wanted any more ends.

A long look at a file, told to the parent: so it knows a slow disk from a child that hangs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from answerprint.ipc import events
from answerprint.media import OnRead
from answerprint.worker.requests import JobChannel

if TYPE_CHECKING:  # it loads torch, which the media child does without
    from answerprint.pipeline.restore_clip import ClipProgress

__all__ = ["Reporter", "tell_reading"]


@dataclass(slots=True)
class Reporter:
    """Reports frames with the time that the job will still take; a running chunk counts by its steps.

    total: frames of the job. before: those that were finished when it began.
    """

    talk: JobChannel
    total: int
    before: int = 0
    started: float = field(default_factory=time.monotonic)

    def report(self, progress: ClipProgress, resumed_at: int = 0) -> None:
        """Tell the parent, and end the job if it is no longer wanted. resumed_at: frames done when this run began."""
        self.talk.check()
        done = resumed_at + progress.frames
        share = done - self.before + progress.chunk_frames * progress.step / progress.steps
        rate = (time.monotonic() - self.started) / share if share > 0 else None
        self.talk.emit(
            events.progress(
                "denoise",
                done,
                self.total,
                seconds_per_frame=rate,
                eta_seconds=None if rate is None else rate * (self.total - self.before - share),
                chunk=progress.chunk,
                step=progress.step,
                steps=progress.steps,
            )
        )


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
