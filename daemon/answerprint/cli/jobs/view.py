"""Jobs as they stand now: what a list, an overview and the details show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from answerprint.api.job import ENDED, UNFINISHED, JobEvent, JobRecord, JobState
from answerprint.api.types import NotFoundError, Page
from answerprint.ipc.messages import Message

__all__ = ["WORKING", "JobSource", "JobView", "history", "unfinished", "view_of", "with_recent"]

WORKING = frozenset({JobState.RUNNING, JobState.MUXING})
_RECENT = 20


class JobSource(Protocol):
    """Whatever knows of jobs: a daemon's client, or the journal while no daemon runs."""

    def list(self, states: Sequence[JobState] = (), limit: int = 100, token: str = "") -> Page:
        """A page of jobs."""
        ...

    def all_jobs(self, states: Sequence[JobState] = ()) -> Iterator[JobRecord]:
        """All jobs."""
        ...

    def get(self, reference: str) -> JobRecord:
        """A job as it stands."""
        ...

    def look(self, reference: str) -> tuple[JobRecord, Message | None]:
        """A job as it stands, and its live progress."""
        ...

    def suspend_reason(self) -> str | None:
        """Why no chunk is begun, None where work goes on."""
        ...

    def watch(self, reference: str, after: int = 0, *, progress: bool = True) -> Iterator[JobEvent]:
        """What happened to a job."""
        ...


@dataclass(frozen=True, slots=True)
class JobView:
    """A job, its live progress where it works, how many jobs go before it, and whether none goes at all."""

    job: JobRecord
    progress: Message | None = None
    before: int = 0
    suspended: bool = False


def unfinished(client: JobSource) -> list[JobRecord]:
    """All jobs that wait or work, in the order of the queue."""
    return list(client.all_jobs(_in_order(UNFINISHED)))


def with_recent(client: JobSource) -> tuple[list[JobRecord], int]:
    """Jobs that wait or work, then the last that ended; and how many ended before those."""
    ended = client.list(_in_order(ENDED), _RECENT)
    return [*unfinished(client), *ended.jobs], ended.total - len(ended.jobs)


def view_of(client: JobSource, jobs: Sequence[JobRecord], *, suspended: bool | None = None) -> list[JobView]:
    """See how jobs stand. What was deleted meanwhile is left out. suspended: asked for, where it is not known."""
    if suspended is None:
        suspended = any(job.state is JobState.QUEUED for job in jobs) and client.suspend_reason() is not None
    looks: list[JobView] = []
    before = 0
    for listed in jobs:
        job, progress = listed, None
        if job.state in WORKING:
            try:
                job, progress = client.look(job.id)  # a list comes without live progress
            except NotFoundError:
                continue
        looks.append(JobView(job, progress, before, suspended))
        before += job.state in (JobState.QUEUED, JobState.RUNNING)
    return looks


def history(client: JobSource, job: JobRecord) -> list[Message]:
    """The kept events of a job up to now."""
    events: list[Message] = []
    if job.last_sequence:
        for happening in client.watch(job.id, progress=False):
            events.append(happening.event)
            if happening.sequence >= job.last_sequence:
                break
    return events


def _in_order(states: Iterable[JobState]) -> Sequence[JobState]:
    return [state for state in JobState if state in frozenset(states)]
