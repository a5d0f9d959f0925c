"""How far a job is, for its parent; and the place where a job that is not wanted any more ends."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from answerprint.frames import events

from .job_channel import JobChannel
from .restore import Progress

__all__ = ["Reporter"]


@dataclass(slots=True)
class Reporter:
    """Reports frames with the time that the job will still take; a running chunk counts by its steps.

    total: frames of the job. before: those that were finished when it began.
    """

    talk: JobChannel
    total: int
    before: int = 0
    started: float = field(default_factory=time.monotonic)

    def report(self, progress: Progress, resumed_at: int = 0) -> None:
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
