"""Jobs as the journal keeps them while no daemon runs, after a reboot for instance: they wait, and can be looked at."""

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

__all__ = ["KeptJobs", "kept_jobs", "waiting_words"]

_ALL = 1 << 31
_AT_WORK = frozenset({JobState.RUNNING, JobState.MUXING})


class KeptJobs:
    """Answers what a client would, as far as it can be known without a daemon."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def list(self, states: Sequence[JobState] = (), limit: int = 100, token: str = "") -> Page:
        """A page of jobs; no states are all."""
        asked = set(states) | (_AT_WORK if JobState.QUEUED in states else set())
        jobs, next_token, total = self._journal.page(asked, limit, token)
        return Page([_at_rest(job) for job in jobs], next_token, total)

    def all_jobs(self, states: Sequence[JobState] = ()) -> Iterator[JobRecord]:
        """All jobs."""
        yield from self.list(states, _ALL).jobs

    def get(self, reference: str) -> JobRecord:
        """A job as it stands. Raises UnknownJobError."""
        return _at_rest(self._journal.find(reference))

    def look(self, reference: str) -> tuple[JobRecord, Message | None]:
        """A job as it stands; none is at work."""
        return self.get(reference), None

    def suspend_reason(self) -> str | None:
        """Why the queue is held, also when the daemon is back; None where it is not."""
        return QueueHold(state_folder() / "held").reason

    def watch(self, reference: str, after: int = 0, *, progress: bool = True) -> Iterator[JobEvent]:
        """What happened to a job."""
        yield from self._journal.events(self._journal.find(reference).id, after, _ALL)


@contextmanager
def kept_jobs() -> Iterator[KeptJobs | None]:
    """The jobs in the journal, None where there is no journal. Raises JournalError for one that cannot be read."""
    path = _journal_file()
    if not path.is_file():
        yield None
        return
    with journal_to_read(path) as journal:
        yield KeptJobs(journal)


def waiting_words() -> str:
    """How many jobs wait for a daemon, as a sentence with a space before it; empty for none, or where nobody knows."""
    try:
        with kept_jobs() as jobs:
            waiting = 0 if jobs is None else jobs.list([JobState.QUEUED], 1).total
    except AnswerprintError:
        return ""
    return f" {counted(waiting, 'job')} {'waits' if waiting == 1 else 'wait'} for one." if waiting else ""


def _at_rest(job: JobRecord) -> JobRecord:
    """What was at work when the daemon ended is queued when it is back."""
    return replace(job, state=JobState.QUEUED) if job.state in _AT_WORK else job


def _journal_file() -> Path:
    return state_folder() / "journal.db"
