"""Which restoration answers a question of the OpenFX node, and which of its frames: no media are opened here."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from answerprint.api.job import JobRecord, JobState
from answerprint.errors import InputError
from answerprint.frames.sequence import BracketRange, SequencePattern, plain_path, same_media
from answerprint.frames.timecode import Timecode
from answerprint.ofx.protocol import ShownState

__all__ = ["SourceCounts", "is_same_clip", "pick_job", "said_of", "shown_state"]

_WORST = frozenset({JobState.FAILED, JobState.CANCELLED})

_STATES = {
    JobState.QUEUED: ShownState.QUEUED,
    JobState.RUNNING: ShownState.RUNNING,
    JobState.MUXING: ShownState.RUNNING,
    JobState.PAUSED: ShownState.PAUSED,
    JobState.DONE: ShownState.DONE,
    JobState.FAILED: ShownState.FAILED,
    JobState.CANCELLED: ShownState.FAILED,
}


def is_same_clip(host: str, path: str) -> bool:
    """Whether a host's path means the input of a job: the file, or the sequence by any of its names."""
    if same_media(host, path) or same_media(path, host):
        return True
    shown, job = Path(host), Path(path)
    try:
        patterns = [_pattern(shown), _pattern(job)]
    except InputError:
        return False
    if patterns[0] is not None and patterns[1] is not None:
        return str(patterns[0]) == str(patterns[1]) and _same_folder(shown, job)
    pattern = patterns[1]
    if pattern is not None:  # a host may name one picture
        return pattern.number_of(shown.name) is not None and _same_folder(shown, job)
    return job.is_dir() and plain_path(str(shown.parent)) == plain_path(path)


def _pattern(path: Path) -> SequencePattern | None:
    bracket = BracketRange.parse(path)
    return SequencePattern.parse(path) if bracket is None else bracket.pattern


def _same_folder(one: Path, other: Path) -> bool:
    return plain_path(str(one.parent)) == plain_path(str(other.parent))


@dataclass(frozen=True, slots=True)
class SourceCounts:
    """How the frames of media may be counted. origins: the possible numbers of their first frame, the usual first."""

    frames: int
    origins: tuple[int, ...]

    @classmethod
    def of(cls, media: Mapping[str, Any]) -> SourceCounts:
        """From the facts of a description."""
        origins = [0]
        with contextlib.suppress(InputError, ValueError, ZeroDivisionError):
            origins.append(Timecode.parse(str(media.get("start_timecode")), Fraction(str(media["rate"]))).frames)
        if media.get("sequence"):
            origins.append(int(media.get("start_number", 0)))
        return cls(int(media["frames"]), tuple(dict.fromkeys(origins)))

    def candidates(self, frame: int, job: JobRecord | None = None) -> list[int]:
        """The origins by which a host's number is a frame of the media; first those by which it is a job's."""
        fitting = [origin for origin in self.origins if 0 <= frame - origin < self.frames]
        if job is None or not job.facts:
            return fitting
        return sorted(fitting, key=lambda origin: not self.covers(job, frame - origin))

    def place(self, job: JobRecord, index: int) -> int:
        """The frame of a job's clip for an index of the source."""
        frames = int(job.facts["input"]["frames"])
        return index if frames == self.frames else index * frames // self.frames

    def covers(self, job: JobRecord, index: int) -> bool:
        """Whether a job restores a frame of the source; one that has not begun may."""
        if not job.facts:
            return True
        first, stop = job.facts["input"]["range"]
        return bool(first <= self.place(job, index) < stop)

    def span(self, job: JobRecord, origin: int) -> tuple[int, int]:
        """First and stop of a job's range, as the host counts; 0, 0 while they are not known."""
        if not job.facts:
            return 0, 0
        first, stop = job.facts["input"]["range"]
        frames = max(1, int(job.facts["input"]["frames"]))
        if frames == self.frames:
            return origin + first, origin + stop
        return origin + first * self.frames // frames, origin + -(-stop * self.frames // frames)


def pick_job(jobs: Sequence[JobRecord], number: int, frame: int, counts: SourceCounts | None) -> JobRecord | None:
    """The job that answers: the asked one, or the newest that has the frame and did not fail. jobs: newest first."""
    if number:
        return next((job for job in jobs if job.number == number), None)

    def rank(job: JobRecord) -> tuple[bool, bool]:
        origins = counts.origins if counts is not None else ()
        covers = counts is None or any(
            0 <= frame - origin < counts.frames and counts.covers(job, frame - origin) for origin in origins
        )
        return job.state in _WORST, not covers

    return min(jobs, key=rank, default=None)


def shown_state(job: JobRecord | None) -> ShownState:
    """What the plugin shows of a job."""
    return ShownState.NOTHING if job is None else _STATES[job.state]


def said_of(job: JobRecord) -> str:
    """One sentence about a job, with the remedy if it needs one."""
    problem = job.problem or {}
    why = f"{problem.get('message', '')} {problem.get('remedy', '')}".strip()
    match job.state:
        case JobState.QUEUED:
            return f"Job {job.number} is queued."
        case JobState.RUNNING:
            return f"Job {job.number} restores this clip: {job.frames_done} of {job.frames_total} frames are done."
        case JobState.MUXING:
            return f"Job {job.number} writes the restored file."
        case JobState.PAUSED:
            return f"Job {job.number} is paused. {why or 'Resume it: answerprint jobs resume'}"
        case JobState.DONE:
            return f"Job {job.number} restored this clip."
        case JobState.CANCELLED:
            return f"Job {job.number} was cancelled. Restore the clip again, or retry the job."
        case JobState.FAILED:
            return f"Job {job.number} failed. {why}".strip()
