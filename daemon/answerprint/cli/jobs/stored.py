"""The jobs in the journal while no daemon is running, for example after a reboot: they wait, and can be listed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from answerprint.api.job import JobEvent, JobRecord, JobState
from answerprint.api.types import Page
from answerprint.errors import AnswerprintError
from answerprint.home import state_folder
from answerprint.ipc.messages import Message
from answerprint.scheduler.queue_hold import QueueHold
from answerprint.store.journal import Journal
from answerprint.store.read_only import journal_to_read
from answerprint.text import counted

__all__ = ["StoredJobs", "stored_jobs", "waiting_words"]

_ALL = 1 << 31
_RUNNING = frozenset({JobState.RUNNING, JobState.MUXING})


class StoredJobs:
    """Answers like a client, as far as the journal tells."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def list(self, states: Sequence[JobState] = (), limit: int = 100, token: str = "") -> Page:
        """A page of jobs. states: only these; none means all."""
        wanted = set(states) | (_RUNNING if JobState.QUEUED in states else set())
        jobs, next_token, total = self._journal.page(wanted, limit, token)
        return Page([_without_daemon(job) for job in jobs], next_token, total)

    def all_jobs(self, states: Sequence[JobState] = ()) -> Iterator[JobRecord]:
        """All jobs."""
        yield from self.list(states, _ALL).jobs

    def get(self, reference: str) -> JobRecord:
        """A job. Raises UnknownJobError."""
        return _without_daemon(self._journal.find(reference))

    def get_with_progress(self, reference: str) -> tuple[JobRecord, Message | None]:
        """A job; without a daemon, none has live progress."""
        return self.get(reference), None

    def suspend_reason(self) -> str | None:
        """Why the queue is suspended, now and after the daemon starts; None if it is not."""
        return QueueHold(state_folder() / "held").reason

    def watch(self, reference: str, after: int = 0, *, progress: bool = True) -> Iterator[JobEvent]:
        """The recorded events of a job."""
        yield from self._journal.events(self._journal.find(reference).id, after, _ALL)


@contextmanager
def stored_jobs() -> Iterator[StoredJobs | None]:
    """Yield the jobs in the journal, None if there is no journal. Raises JournalError if it cannot be read."""
    path = _journal_file()
    if not path.is_file():
        yield None
        return
    with journal_to_read(path) as journal:
        yield StoredJobs(journal)


def waiting_words() -> str:
    """How many jobs wait for a daemon, as a sentence with a leading space; empty for none or if unknown."""
    try:
        with stored_jobs() as jobs:
            waiting = 0 if jobs is None else jobs.list([JobState.QUEUED], 1).total
    except AnswerprintError:
        return ""
    return f" {counted(waiting, 'job')} {'is' if waiting == 1 else 'are'} waiting for it." if waiting else ""


def _without_daemon(job: JobRecord) -> JobRecord:
    """A job that was running when the daemon stopped is queued at the next start."""
    return replace(job, state=JobState.QUEUED) if job.state in _RUNNING else job


def _journal_file() -> Path:
    return state_folder() / "journal.db"
