"""What the journal keeps of a job, as data; standard library only."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

from answerprint.api.clip_ref import ClipRef
from answerprint.errors import AnswerprintError, InputError
from answerprint.ipc.messages import Message

__all__ = [
    "ENDED",
    "UNFINISHED",
    "ChunkRefusedError",
    "JobEvent",
    "JobKind",
    "JobRecord",
    "JobState",
    "UnknownJobError",
    "is_job_id",
]

JobKind = Literal["restore", "preview"]


class UnknownJobError(InputError):
    """There is no such job, or more than one."""

    code = "not_found"


class ChunkRefusedError(AnswerprintError):
    """A chunk does not continue what the journal has of its job."""

    code = "chunk_refused"


class JobState(Enum):
    """Where a job stands; the values are what the journal holds and people read."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    MUXING = "muxing"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED})
"""States that only a retry leaves."""

UNFINISHED = frozenset(JobState) - ENDED
"""States in which a job waits or works."""


def is_job_id(text: str) -> bool:
    """Whether it is a UUID in its canonical form, as every job's id is."""
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class JobEvent:
    """Something that happened to a job.

    sequence: counts from 1 within its job, without gaps; of what is not kept (progress) that of the latest kept one.
    at: wall clock, for display. event: an event of `frames.events`, or {"event": "state", "state": ..., "problem":
    ...}, or {"event": "done", ...} with the deliverable.
    """

    sequence: int
    at: float
    event: Message


@dataclass(frozen=True, slots=True)
class JobRecord:
    """One job, as the journal has it. Times are seconds since 1970 by the wall clock: for display, never for order."""

    id: str
    """UUID in its canonical form, made by the client."""
    number: int
    """Counts from 1, for people; given by the journal, 0 before."""
    kind: JobKind
    label: str
    state: JobState
    request: Message
    """`RestoreRequest.to_json()`, or `PreviewRequest.to_json()` for a preview."""
    clip: ClipRef = field(default_factory=ClipRef)
    """The clip as its client named it, given back as such; empty in journals of the first programs."""
    lane: str = "auto"
    """The device it asks for."""
    priority: int = 0
    """Larger goes first."""
    position: float = 0.0
    """Order within a priority, smaller first; given by the journal."""
    not_before: float | None = None
    created: float = 0.0
    started: float | None = None
    ended: float | None = None
    seconds: float = 0.0
    """Of work, pauses left out."""
    frames_total: int = 0
    """0 until the media was probed."""
    frames_done: int = 0
    """Frames of committed chunks."""
    fingerprint: str = ""
    """SHA-256 of all that decides the picture; chunks of another fingerprint are of no use to the job."""
    rung: int = 0
    """How far down the ladder of memory savings the clip has been."""
    failures: int = 0
    """Times that a worker was lost in the chunk that is next."""
    problem: Message | None = None
    """code, message, remedy, exit_code, and what else a pause waits for (needed_bytes, folder)."""
    facts: Message = field(default_factory=dict)
    """Of the `started` event of the worker: input, output, model, device, estimate."""
    result: Message = field(default_factory=dict)
    """Of the `done` event."""
    last_sequence: int = 0
    """Number of its latest event."""

    @property
    def ended_state(self) -> bool:
        """Whether only a retry moves it again."""
        return self.state in ENDED

    @property
    def output(self) -> str:
        """Path or pattern of the deliverable, or the folder of a preview."""
        return str(self.request.get("output", ""))

    @property
    def input(self) -> str:
        """Path or pattern of the source."""
        return str(self.request.get("input", ""))


Change = Mapping[str, object]
"""Fields of a JobRecord with their new values."""
