"""How a job reads in one line."""

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


def listing(looks: Sequence[JobView], now: datetime | None = None) -> list[str]:
    """A table of jobs, as wide as the terminal at most."""
    rows = []
    for look in looks:
        job = look.job
        share = f"{100 * frames_done(job) // job.frames_total} %" if job.frames_total else ""
        frames = frames_words(job) if job.frames_total else ""
        short = about(look, now)
        if len(short) > _LONGEST_ABOUT:
            short = short[: _LONGEST_ABOUT - 3] + "..."
        rows.append((str(job.number), job.state.value, frames, share, short, job.label, job.output))
    return columns(_HEAD, rows, right=_NUMBERS, width=terminal_width())


def job_name(job: JobRecord) -> str:
    """What people call it."""
    return f"job {job.number} ({job.label})" if job.label else f"job {job.number}"


def frames_words(job: JobRecord) -> str:
    """How many frames are done, of how many."""
    return f"{frames_done(job)}/{job.frames_total}"


def frames_done(job: JobRecord) -> int:
    """Of a job that is done, all: a preview has no chunks by which they would be counted."""
    return job.frames_total if job.state is JobState.DONE else job.frames_done


def about(look: JobView, now: datetime | None = None) -> str:
    """How long a job takes, what it waits for, or why it ended, in a few words; empty where nothing is to be said."""
    job, problem = look.job, look.job.problem or {}
    now = now or datetime.now()
    match job.state:
        case JobState.QUEUED:
            return _waits_for(look, now)
        case JobState.RUNNING | JobState.MUXING:
            return _works(look)
        case JobState.PAUSED:
            return str(problem.get("message", "until it is resumed"))
        case JobState.DONE:
            ended = "" if job.ended is None else f"{clock_words(job.ended, now)}, "
            return f"{ended}{duration(job.seconds)} of work"
        case JobState.FAILED:
            return str(problem.get("message", ""))
        case JobState.CANCELLED:
            return "" if job.ended is None else clock_words(job.ended, now)


def size_words(size: float) -> str:
    """Bytes in the unit that suits them."""
    for unit in ("B", "KiB", "MiB"):
        if abs(size) < 1024:
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} GiB"


def _waits_for(look: JobView, now: datetime) -> str:
    job = look.job
    if job.not_before is not None and job.not_before > now.timestamp():
        return f"not before {clock_words(job.not_before, now)}"
    if look.suspended:
        return "the queue is suspended"
    return f"{look.before} before it" if look.before else "next"


def _works(look: JobView) -> str:
    progress: Message = look.progress or {}
    if look.job.state is JobState.MUXING:
        return "writing the output"
    eta = progress.get("eta_seconds")
    if eta is not None:
        return f"{duration(eta)} left"
    return stage_words(progress) if progress else ""
