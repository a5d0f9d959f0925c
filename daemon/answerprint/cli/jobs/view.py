"""The current state of jobs, for lists, tables and details."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from answerprint.api.job import ENDED, UNFINISHED, JobEvent, JobRecord, JobState
from answerprint.api.types import NotFoundError, Page
from answerprint.ipc.messages import Message

__all__ = ["RUNNING", "JobSource", "JobView", "history", "unfinished", "view_of", "with_recent"]

RUNNING = frozenset({JobState.RUNNING, JobState.MUXING})
_RECENT = 20


class JobSource(Protocol):
    """A source of jobs: the daemon's client, or the journal while no daemon is running."""

    def list(self, states: Sequence[JobState] = (), limit: int = 100, token: str = "") -> Page:
        """A page of jobs. states: only these; none means all."""
        ...

    def all_jobs(self, states: Sequence[JobState] = ()) -> Iterator[JobRecord]:
        """All jobs."""
        ...

    def get(self, reference: str) -> JobRecord:
        """A job by number, id or the start of its id."""
        ...

    def get_with_progress(self, reference: str) -> tuple[JobRecord, Message | None]:
        """A job and its live progress, None if it has none."""
        ...

    def suspend_reason(self) -> str | None:
        """Why the queue is suspended; None if it is not."""
        ...

    def watch(self, reference: str, after: int = 0, *, progress: bool = True) -> Iterator[JobEvent]:
        """The events of a job after a sequence number."""
        ...


@dataclass(frozen=True, slots=True)
class JobView:
    """A job to show. before: jobs ahead of it in the list; suspended: whether the queue is."""

    job: JobRecord
    progress: Message | None = None
    before: int = 0
    suspended: bool = False


def unfinished(client: JobSource) -> list[JobRecord]:
    """All waiting and running jobs, in the order of the queue."""
    return list(client.all_jobs(_in_order(UNFINISHED)))


def with_recent(client: JobSource) -> tuple[list[JobRecord], int]:
    """Unfinished jobs, then those that ended last; and how many older ones there are."""
    ended = client.list(_in_order(ENDED), _RECENT)
    return [*unfinished(client), *ended.jobs], ended.total - len(ended.jobs)


def view_of(client: JobSource, jobs: Sequence[JobRecord], *, suspended: bool | None = None) -> list[JobView]:
    """The current views of jobs, without those deleted meanwhile. suspended: None asks the source."""
    if suspended is None:
        suspended = any(job.state is JobState.QUEUED for job in jobs) and client.suspend_reason() is not None
    views: list[JobView] = []
    before = 0
    for listed in jobs:
        job, progress = listed, None
        if job.state in RUNNING:
            try:
                job, progress = client.get_with_progress(job.id)  # lists come without live progress
            except NotFoundError:
                continue
        views.append(JobView(job, progress, before, suspended))
        before += job.state in (JobState.QUEUED, JobState.RUNNING)
    return views


def history(client: JobSource, job: JobRecord) -> list[Message]:
    """The recorded events of a job up to now."""
    events: list[Message] = []
    if job.last_sequence:
        for job_event in client.watch(job.id, progress=False):
            events.append(job_event.event)
            if job_event.sequence >= job.last_sequence:
                break
    return events


def _in_order(states: Iterable[JobState]) -> Sequence[JobState]:
    return [state for state in JobState if state in frozenset(states)]
