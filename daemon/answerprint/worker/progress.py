"""Progress events for the parent; reporting is also where a cancelled job stops."""

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
    """Reports finished frames and the remaining time; a running chunk counts by its steps.

    total: frames of the job. before: frames that were finished when the job was started or resumed.
    """

    channel: JobChannel
    total: int
    before: int = 0
    started: float = field(default_factory=time.monotonic)

    def report(self, progress: ClipProgress, resumed_at: int = 0) -> None:
        """Send a progress event; raises what `channel.check` raises. resumed_at: frames done when this run began."""
        self.channel.check()
        done = resumed_at + progress.frames
        share = done - self.before + progress.chunk_frames * progress.step / progress.steps
        rate = (time.monotonic() - self.started) / share if share > 0 else None
        self.channel.emit(
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
    path: str,
    channel: JobChannel,
    *,
    every_seconds: float = _EVERY_SECONDS,
    clock: Callable[[], float] = time.monotonic,
) -> OnRead:
    """A callback that reports every few seconds how many frames were read, so that slow reading does not look hung.

    It raises what `channel.check` raises. A disk that hangs stays visible: no frames, no events.
    """
    name = Path(path).name
    reported = clock()

    def on_read(frames: int) -> None:
        nonlocal reported
        now = clock()
        if now - reported >= every_seconds:
            reported = now
            channel.check()
            channel.emit(events.stage("probe", f"Reading {name}: {frames:,} frames so far"))

    return on_read
