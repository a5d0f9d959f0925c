"""A job in one line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from answerprint.api.job import JobRecord, JobState
from answerprint.cli.jobs.view import JobView
from answerprint.cli.progress import stage_words
from answerprint.cli.table import columns, terminal_width
from answerprint.cli.times import clock_words, duration
from answerprint.ipc.messages import Message

__all__ = ["about", "frames_done", "frames_words", "job_name", "listing", "size_words"]

_HEAD = ("#", "STATE", "FRAMES", "DONE", "ABOUT", "CLIP", "OUTPUT")
_NUMBERS = "# FRAMES DONE"
_LONGEST_ABOUT = 44


def listing(views: Sequence[JobView], now: datetime | None = None) -> list[str]:
    """A table of jobs, cut to the width of the terminal."""
    rows = []
    for view in views:
        job = view.job
        share = f"{100 * frames_done(job) // job.frames_total} %" if job.frames_total else ""
        frames = frames_words(job) if job.frames_total else ""
        short = about(view, now)
        if len(short) > _LONGEST_ABOUT:
            short = short[: _LONGEST_ABOUT - 3] + "..."
        rows.append((str(job.number), job.state.value, frames, share, short, job.label, job.output))
    return columns(_HEAD, rows, right=_NUMBERS, width=terminal_width())


def job_name(job: JobRecord) -> str:
    """The number and label of a job."""
    return f"job {job.number} ({job.label})" if job.label else f"job {job.number}"


def frames_words(job: JobRecord) -> str:
    """Finished frames out of all."""
    return f"{frames_done(job)}/{job.frames_total}"


def frames_done(job: JobRecord) -> int:
    """Finished frames; all for a job that is done, as a preview has no chunks to count."""
    return job.frames_total if job.state is JobState.DONE else job.frames_done


def about(view: JobView, now: datetime | None = None) -> str:
    """In a few words, how long a job takes, what it waits for or why it ended; may be empty."""
    job, problem = view.job, view.job.problem or {}
    now = now or datetime.now()
    match job.state:
        case JobState.QUEUED:
            return _waiting_words(view, now)
        case JobState.RUNNING | JobState.MUXING:
            return _running_words(view)
        case JobState.PAUSED:
            return str(problem.get("message", "until resumed"))
        case JobState.DONE:
            ended = "" if job.ended is None else f"{clock_words(job.ended, now)}, "
            return f"{ended}{duration(job.seconds)} of work"
        case JobState.FAILED:
            return str(problem.get("message", ""))
        case JobState.CANCELLED:
            return "" if job.ended is None else clock_words(job.ended, now)


def size_words(size: float) -> str:
    """Bytes in a readable unit."""
    for unit in ("B", "KiB", "MiB"):
        if abs(size) < 1024:
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} GiB"


def _waiting_words(view: JobView, now: datetime) -> str:
    job = view.job
    if job.not_before is not None and job.not_before > now.timestamp():
        return f"not before {clock_words(job.not_before, now)}"
    if view.suspended:
        return "the queue is suspended"
    return f"{view.before} ahead" if view.before else "next"


def _running_words(view: JobView) -> str:
    progress: Message = view.progress or {}
    if view.job.state is JobState.MUXING:
        return "writing the output"
    eta = progress.get("eta_seconds")
    if eta is not None:
        return f"{duration(eta)} left"
    return stage_words(progress) if progress else ""
