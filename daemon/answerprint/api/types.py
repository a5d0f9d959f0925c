"""What the daemon can do, as one protocol: the gRPC server calls it, the scheduler implements it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Literal, Protocol

from answerprint.api.clip_ref import ClipRef
from answerprint.api.job import JobEvent, JobKind, JobRecord, JobState, UnknownJobError
from answerprint.errors import InputError, JobFailedError
from answerprint.ipc.messages import Message

__all__ = [
    "BusyError",
    "Daemon",
    "DaemonInfo",
    "Disk",
    "EncodedPicture",
    "MediaInfo",
    "NewJob",
    "NotFoundError",
    "NotYetError",
    "Page",
    "PullStep",
    "StateError",
    "WarmModel",
]

NotFoundError = UnknownJobError
QueuePlace = Literal["first", "last"]
PictureSide = Literal["restored", "source"]
PictureFormat = Literal["png", "jpeg"]


class NotYetError(JobFailedError):
    """The requested frame or file does not exist yet."""

    code = "not_yet"


class StateError(InputError):
    """The job's state does not allow the action."""

    code = "wrong_state"


class BusyError(JobFailedError):
    """The daemon is at its limit."""

    code = "busy"


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job as a client requests it, not checked yet.

    clip: empty if the request's own is enough. after: id of the job before it in a list, "" if there is none.
    """

    id: str
    kind: JobKind
    request: Message
    clip: ClipRef = field(default_factory=ClipRef)
    label: str = ""
    priority: int = 0
    not_before: float | None = None
    after: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of jobs. next_token: for the next page, empty on the last. total: jobs on all pages."""

    jobs: Sequence[JobRecord]
    next_token: str
    total: int


@dataclass(frozen=True, slots=True)
class WarmModel:
    """A model in the memory of a device. remaining_seconds: until it is freed if unused; below 0 is never."""

    model: str
    device: str
    bytes: int
    load_seconds: float
    remaining_seconds: float
    in_use: bool


@dataclass(frozen=True, slots=True)
class PullStep:
    """Progress of a model pull. stage: fetch, convert, check or done. remaining_seconds: None if unknown."""

    stage: str
    file: str
    done_bytes: int
    total_bytes: int
    bytes_per_second: float
    remaining_seconds: float | None


@dataclass(frozen=True, slots=True)
class Disk:
    """A folder of the program, and the free space on its disk."""

    purpose: str
    folder: str
    free_bytes: int
    used_bytes: int


@dataclass(frozen=True, slots=True)
class EncodedPicture:
    """A picture in a temporary file, which `Daemon.forget` removes."""

    path: Path
    media_type: str
    width: int
    height: int
    bytes: int


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """What a file or a sequence is, as a job would read it.

    path: of the folder for a sequence. frames: of all the media. start_timecode: of frame 0, "" for none.
    start_number: in the file name of a sequence's frame 0. rate_is_assumed: the media have no rate of their own. codec,
    bit_depth: "" and 0 if the file was not opened. restored: its metadata say that Answerprint made it. facts: by name,
    as text; warnings: sentences; plan: the `started` event of a restore with the default settings, None if it would be
    refused: all three with details only.
    """

    path: str
    sequence: bool
    width: int
    height: int
    rate: Fraction
    frames: int
    rate_is_assumed: bool = False
    pixel_aspect: Fraction = Fraction(1)
    start_timecode: str = ""
    start_number: int = 0
    interlaced: bool = False
    audio: bool = False
    alpha: bool = False
    codec: str = ""
    bit_depth: int = 0
    restored: bool = False
    facts: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    plan: Message | None = None


@dataclass(frozen=True, slots=True)
class DaemonInfo:
    """Version, devices, memory, disks and queue of a running daemon."""

    version: str
    pid: int
    start_id: str
    uptime_seconds: float
    libraries: dict[str, str]
    devices: list[Message]
    """Each with name, about, bytes and free_bytes, as far as known."""
    warm_models: list[WarmModel]
    memory_cap_bytes: int
    keep_alive_seconds: float
    disks: list[Disk]
    jobs: dict[str, int]
    suspended: bool
    suspend_reason: str
    resident_bytes: int
    problems: list[str]


class Daemon(Protocol):
    """The queue, its jobs and the child processes that run them.

    A `reference` is a job's id, its first 4 characters or more, or its number. Every method raises NotFoundError if a
    reference names no job or several, StateError if the job's state forbids the action, InputError for bad values and
    JournalError if the journal fails.
    """

    async def submit(self, new: NewJob) -> tuple[JobRecord, bool]:
        """Queue a job; False if its id exists already. Raises InputError if it is known to be impossible."""
        ...

    async def get(self, reference: str) -> JobRecord:
        """The job as it is now."""
        ...

    async def list(self, states: Sequence[JobState], limit: int, token: str) -> Page:
        """A page of jobs; no states means all. Raises InputError for an invalid token."""
        ...

    def watch(self, reference: str, after: int, *, progress: bool = True) -> AsyncIterator[JobEvent]:
        """Kept events after a number, then new ones, until the job has ended.

        Raises BusyError if the watcher is 1,000 events behind: it may watch again from the last number it saw.
        """
        ...

    def progress(self, job: str) -> Message | None:
        """The latest progress of a running job, by its full id."""
        ...

    async def pause(self, reference: str) -> JobRecord:
        """Stop it after the running chunk; it waits until it is resumed."""
        ...

    async def resume(self, reference: str) -> JobRecord:
        """Queue a paused job again."""
        ...

    async def cancel(self, reference: str) -> JobRecord:
        """End it now and delete its chunks."""
        ...

    async def retry(self, reference: str) -> JobRecord:
        """Queue a failed or cancelled job again."""
        ...

    async def delete(self, reference: str) -> int:
        """Remove an ended job from the journal; returns the bytes freed."""
        ...

    async def move(
        self,
        reference: str,
        *,
        priority: int | None = None,
        place: QueuePlace | None = None,
        not_before: float | None = None,
    ) -> JobRecord:
        """Change when a job runs; not_before 0 or less is now."""
        ...

    async def frame(
        self, reference: str, frame: int, side: PictureSide, form: PictureFormat, max_size: tuple[int, int]
    ) -> EncodedPicture:
        """One frame as a picture. Raises NotYetError if it is not finished, NotFoundError if it never will be."""
        ...

    def forget(self, picture: EncodedPicture) -> None:
        """Remove the file of a picture."""
        ...

    async def describe(self, media: str, *, details: bool = False) -> MediaInfo:
        """A file or a sequence; details: also all facts. Raises RemoteError if it cannot be read."""
        ...

    async def load_model(self, model: str, device: str, keep_alive_seconds: float | None) -> WarmModel:
        """Load a model, or keep it loaded longer."""
        ...

    async def unload_models(self, model: str) -> int:
        """Unload a model, or all for an empty name, once no job uses it; returns how many."""
        ...

    def pull_model(self, model: str, *, accept_licence: bool, trust_first: bool) -> AsyncIterator[PullStep]:
        """Fetch a published model; the last step is `done`. If the caller leaves early, received data is kept.

        Raises ModelError if licence or hashes forbid it, JobFailedError in its forms if it cannot be fetched.
        """
        ...

    async def suspend(self, reason: str, *, unload: bool) -> None:
        """Start no chunk until `resume_work`."""
        ...

    async def resume_work(self) -> None:
        """Continue after `suspend`."""
        ...

    async def info(self) -> DaemonInfo:
        """Facts of the daemon."""
        ...

    def shut_down(self) -> None:
        """Ask the daemon to end, as SIGTERM does; returns at once."""
        ...
