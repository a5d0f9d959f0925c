"""What the daemon can do, as a seam: gRPC stands before it, the queue and the children behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
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
    """What was asked for does not exist yet."""

    code = "not_yet"


class StateError(InputError):
    """The job is in a state in which that cannot be done."""

    code = "wrong_state"


class BusyError(JobFailedError):
    """More than the daemon takes at a time."""

    code = "busy"


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job as a client asks for it; not checked yet. clip: empty where the request's own says all."""

    id: str
    kind: JobKind
    request: Message
    clip: ClipRef = field(default_factory=ClipRef)
    label: str = ""
    priority: int = 0
    not_before: float | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Some jobs of a list. next_token: for the page after, empty on the last. total: of all pages."""

    jobs: Sequence[JobRecord]
    next_token: str
    total: int


@dataclass(frozen=True, slots=True)
class WarmModel:
    """A model in the memory of a device. remaining_seconds: until it is freed if unused; below 0 is for ever."""

    model: str
    device: str
    bytes: int
    load_seconds: float
    remaining_seconds: float
    in_use: bool


@dataclass(frozen=True, slots=True)
class PullStep:
    """How far the pull of a model is. stage: fetch, convert, check or done. remaining_seconds: None where unknown."""

    stage: str
    file: str
    done_bytes: int
    total_bytes: int
    bytes_per_second: float
    remaining_seconds: float | None


@dataclass(frozen=True, slots=True)
class Disk:
    """A folder of the program's, and the room it has."""

    purpose: str
    folder: str
    free_bytes: int
    used_bytes: int


@dataclass(frozen=True, slots=True)
class EncodedPicture:
    """A picture in a file of the daemon's, which `Daemon.forget` removes."""

    path: Path
    media_type: str
    width: int
    height: int
    bytes: int


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """What a file or a sequence is, as a job would read it.

    path: of the folder for a sequence. frames: of all the media. start_timecode: of frame 0, "" for none.
    start_number: in the file name of a sequence's frame 0. rate_is_assumed: the media has none of its own. codec,
    bit_depth: "" and 0 where nobody looked into the file. restored: the file says that it was restored here.
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


@dataclass(frozen=True, slots=True)
class DaemonInfo:
    """What the daemon says of itself."""

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
    """The queue, its jobs and the children that do them.

    A `reference` is a job's id, its first 4 characters or more, or its number. Every method raises NotFoundError for
    a reference that names no job or several, StateError where the job's state forbids it, InputError for bad values
    and JournalError when the journal fails.
    """

    async def submit(self, new: NewJob) -> tuple[JobRecord, bool]:
        """Queue a job; False when its id was there already. Raises InputError for what can be known to be wrong."""
        ...

    async def get(self, reference: str) -> JobRecord:
        """The job as it stands."""
        ...

    async def list(self, states: Sequence[JobState], limit: int, token: str) -> Page:
        """A page of jobs; no states are all. Raises InputError for a token that is none."""
        ...

    def watch(self, reference: str, after: int, *, progress: bool = True) -> AsyncIterator[JobEvent]:
        """Kept events after a number, then what happens, until the job has ended.

        Raises BusyError when the watcher is 1,000 events behind: it may come back with the last number it saw.
        """
        ...

    def progress(self, job: str) -> Message | None:
        """The latest progress of a running job, by its full id."""
        ...

    async def pause(self, reference: str) -> JobRecord:
        """Stop it after the chunk that is done; it waits until it is resumed."""
        ...

    async def resume(self, reference: str) -> JobRecord:
        """Queue a paused job again."""
        ...

    async def cancel(self, reference: str) -> JobRecord:
        """End it now; what it had on disk goes."""
        ...

    async def retry(self, reference: str) -> JobRecord:
        """Queue a failed or cancelled job again."""
        ...

    async def delete(self, reference: str) -> int:
        """Forget a job that has ended; returns the bytes freed."""
        ...

    async def move(
        self,
        reference: str,
        *,
        priority: int | None = None,
        place: QueuePlace | None = None,
        not_before: float | None = None,
    ) -> JobRecord:
        """Change when a job gets its turn; not_before 0 or less is now."""
        ...

    async def frame(
        self, reference: str, frame: int, side: PictureSide, form: PictureFormat, max_size: tuple[int, int]
    ) -> EncodedPicture:
        """One frame as a picture. Raises NotYetError while it is not finished, NotFoundError when it never will be."""
        ...

    def forget(self, picture: EncodedPicture) -> None:
        """Remove the file of a picture."""
        ...

    async def describe(self, media: str) -> MediaInfo:
        """What a file or a sequence is. Raises RemoteError for one that cannot be read."""
        ...

    async def load_model(self, model: str, device: str, keep_alive_seconds: float | None) -> WarmModel:
        """Bring a model into memory, or keep it there longer."""
        ...

    async def unload_models(self, model: str) -> int:
        """Free a model, or all for an empty name, as soon as no job uses it; returns how many."""
        ...

    def pull_model(self, model: str, *, accept_licence: bool, trust_first: bool) -> AsyncIterator[PullStep]:
        """Fetch a known model; the last step is `done`. Left early, it ends, and what has come is kept.

        Raises ModelError where licence or hashes forbid it, JobFailedError in its forms where it cannot be fetched.
        """
        ...

    async def suspend(self, reason: str, *, unload: bool) -> None:
        """Begin no new chunk until `resume_work`."""
        ...

    async def resume_work(self) -> None:
        """Go on."""
        ...

    async def info(self) -> DaemonInfo:
        """What the daemon says of itself."""
        ...

    def shut_down(self) -> None:
        """Ask for the end, as SIGTERM does; returns at once."""
        ...
