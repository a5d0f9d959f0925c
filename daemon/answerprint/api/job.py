"""Jobs and their events, as the journal keeps them; standard library only."""

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
    """No job has that reference, or several have."""

    code = "not_found"


class ChunkRefusedError(AnswerprintError):
    """A chunk does not follow the last chunk that the journal has of its job."""

    code = "chunk_refused"


class JobState(Enum):
    """State of a job; the values are those of the journal and the command line."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    MUXING = "muxing"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED})
"""Final states: only a retry leaves them."""

UNFINISHED = frozenset(JobState) - ENDED
"""States of a job that waits or works."""


def is_job_id(text: str) -> bool:
    """Whether it is a UUID in its canonical form, as every job's id is."""
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class JobEvent:
    """An event of a job.

    sequence: counts from 1 within its job, without gaps; a progress event, which is not kept, has the latest number.
    at: wall clock, for display. event: an event of `ipc.events`, or {"event": "state", "state": ..., "problem":
    ...}, or {"event": "done", ...} with the deliverable.
    """

    sequence: int
    at: float
    event: Message


@dataclass(frozen=True, slots=True)
class JobRecord:
    """One job, as the journal has it. Times are seconds since 1970 by the wall clock: for display, not for ordering."""

    id: str
    """UUID in its canonical form, made by the client."""
    number: int
    """Counts from 1, for people; set by the journal, 0 before."""
    kind: JobKind
    label: str
    state: JobState
    request: Message
    """`RestoreRequest.to_json()`, or `PreviewRequest.to_json()` for a preview."""
    clip: ClipRef = field(default_factory=ClipRef)
    """The clip as its client named it, given back as such; empty in journals of the first programs."""
    lane: str = "auto"
    """The device it waits for."""
    priority: int = 0
    """Larger goes first."""
    position: float = 0.0
    """Order within a priority, smaller first; set by the journal."""
    not_before: float | None = None
    created: float = 0.0
    started: float | None = None
    ended: float | None = None
    seconds: float = 0.0
    """Of work, without pauses."""
    frames_total: int = 0
    """0 until the media was probed."""
    frames_done: int = 0
    """Frames of committed chunks."""
    fingerprint: str = ""
    """SHA-256 of all that decides the picture; chunks with another fingerprint cannot be used."""
    rung: int = 0
    """The last memory fallback used, 0 for none."""
    failures: int = 0
    """How often a worker was lost in the next chunk."""
    problem: Message | None = None
    """code, message, remedy, exit_code; for a pause also needed_bytes and folder."""
    facts: Message = field(default_factory=dict)
    """From the worker's `started` event: input, output, model, device, estimate."""
    result: Message = field(default_factory=dict)
    """From the `done` event."""
    last_sequence: int = 0
    """Number of its latest event."""

    @property
    def ended_state(self) -> bool:
        """Whether its state is final."""
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
