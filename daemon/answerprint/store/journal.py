"""The journal of jobs: what was promised to a user, in one SQLite file that survives whatever ends the process.

One connection, one writer, one thread: `Journal.open` and every call belong to the same thread. Each change is one
transaction that is on disk when its call returns; a call that raises has changed nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from pathlib import Path
from types import TracebackType
from typing import Self

from answerprint.api.job import ENDED, UNFINISHED, JobEvent, JobRecord, JobState, UnknownJobError, is_job_id
from answerprint.api.types import QueuePlace
from answerprint.errors import InputError
from answerprint.ipc.messages import Message
from answerprint.store.receipts import ChunkReceipt
from answerprint.store.set_aside import set_aside
from answerprint.store.tables import chunks, jobs, listing
from answerprint.store.tables.connection import JournalConnection
from answerprint.store.tables.rows import CHANGEABLE, event_from_row, job_from_row, receipt_from_row, to_columns

__all__ = ["Journal"]

_ALL = 1 << 31


class Journal:
    """Jobs, their events and their finished chunks.

    Every method raises DiskFullError where there is no room, and JournalError for whatever else SQLite meets; the
    connection is then rolled back and can be used again. Those that take a job's id raise UnknownJobError for one
    that is not there.
    """

    def __init__(
        self, connection: JournalConnection, clock: Callable[[], float], unreadable: Collection[str] = ()
    ) -> None:
        self._connection = connection
        self._clock = clock
        self.unreadable = tuple(unreadable)
        """What to tell of jobs that were set aside when it was opened."""

    @classmethod
    def open(cls, path: Path, *, clock: Callable[[], float] = time.time) -> Journal:
        """Open the journal at path, or begin one; check it, and bring one of an older version up to date.

        An older one is first copied to `<name>.backup-v<version>` beside it. Raises JournalError for one that is
        damaged or of a newer version; its file is then as it was. A job that alone cannot be read is set aside, and
        named in `unreadable`. clock: wall clock, of which the times are kept.
        """
        connection = JournalConnection(path)
        try:
            unreadable = set_aside(connection)
        except BaseException:
            connection.close()
            raise
        return cls(connection, clock, unreadable)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Jobs

    def add(self, record: JobRecord, event: Message) -> tuple[JobRecord, bool]:
        """Keep a new job with its first event; False when its id is there already: that job is returned, unchanged.

        Gives number, position and created. Raises InputError for an id that is no UUID in canonical form.
        """
        if not is_job_id(record.id):
            raise InputError(f"{record.id!r} is no id of a job.", "Give a UUID in its canonical form.")
        with self._connection.transaction() as sqlite:
            found = sqlite.execute("SELECT * FROM jobs WHERE id = ?", (record.id,)).fetchone()
            if found is not None:
                return job_from_row(found), False
            now = self._clock()
            columns = to_columns({name: getattr(record, name) for name in CHANGEABLE})
            if record.state in ENDED:
                columns |= jobs.consequences(sqlite, record, record.state, now)
            columns |= {"id": record.id, "kind": record.kind, "position": jobs.position(sqlite, "last"), "created": now}
            jobs.insert_job(sqlite, columns)
            jobs.keep_event(sqlite, jobs.read_job(sqlite, record.id), now, event)
            return jobs.read_job(sqlite, record.id), True

    def get(self, job: str) -> JobRecord:
        """The job with that full id."""
        row = self._connection.row("SELECT * FROM jobs WHERE id = ?", job)
        if row is None:
            raise UnknownJobError(f"There is no job {job!r}.")
        return job_from_row(row)

    def find(self, reference: str) -> JobRecord:
        """The job with that id, number, or unambiguous start of an id of 4 characters or more.

        Raises UnknownJobError when there is none, or more than one. A number comes before the start of an id.
        """
        return listing.find_job(self._connection, reference)

    def page(
        self, states: Collection[JobState] = (), limit: int = 100, token: str = ""
    ) -> tuple[list[JobRecord], str, int]:
        """Some jobs, the token of the page after ("" on the last), and how many there are on all pages.

        Jobs at work come first, then those that wait, both in queue order, then those that ended, latest first. No
        states are all. Raises InputError for a token that is none.
        """
        if limit < 1:
            raise InputError(f"A page of {limit} jobs is none.", "Ask for 1 or more.")
        return listing.page(self._connection, states, limit, token)

    def in_states(self, states: Collection[JobState]) -> list[JobRecord]:
        """All jobs in these states, in the order of `page`."""
        return listing.page(self._connection, states, _ALL, "")[0] if states else []

    def running(self) -> list[JobRecord]:
        """All jobs that are running or muxing."""
        return self.in_states({JobState.RUNNING, JobState.MUXING})

    def with_chunks(self, states: Collection[JobState]) -> list[JobRecord]:
        """The jobs in these states that have finished chunks, in the order of their numbers."""
        return listing.with_chunks(self._connection, states)

    def unfinished_for(self, output: str) -> list[JobRecord]:
        """The jobs that have not ended, and are to write that deliverable, in the order of their numbers."""
        return listing.unfinished_for(self._connection, output)

    def ready(self, now: float, lanes: Collection[str] | None = None, limit: int = 1) -> list[JobRecord]:
        """The jobs to run next, best first: queued, due, and of one of the lanes (None: of any)."""
        return listing.ready_jobs(self._connection, now, lanes, limit)

    def next_wakeup(self, now: float) -> float | None:
        """When the next queued job that is not due yet will be."""
        row = self._connection.row("SELECT min(not_before) FROM jobs WHERE state = 'queued' AND not_before > ?", now)
        return None if row is None else row[0]

    def counts(self) -> dict[JobState, int]:
        """How many jobs there are in each state."""
        found = {row[0]: row[1] for row in self._connection.rows("SELECT state, count(*) FROM jobs GROUP BY state")}
        return {state: found.get(state.value, 0) for state in JobState}

    def change(
        self, job: str, *, when: Collection[JobState], event: Message | None = None, **fields: object
    ) -> tuple[JobRecord, bool]:
        """Set fields of a job, and append the event, if it is in one of the states `when`; else change nothing.

        Returns the job as it is then, and whether it was changed: of several callers only one is told so. `state` may
        be given as a JobState. `started` and `ended` follow from the state where they are not given. Raises TypeError
        for fields that only the journal sets: id, number, kind, position, frames_done, last_sequence, created.
        """
        if unknown := sorted(fields.keys() - CHANGEABLE):
            raise TypeError(f"{unknown[0]!r} is not set by a change")
        with self._connection.transaction() as sqlite:
            record = jobs.read_job(sqlite, job)
            if record.state not in when:
                return record, False
            now = self._clock()
            columns = to_columns(fields)
            if isinstance(state := fields.get("state"), JobState) and state is not record.state:
                columns = {**jobs.consequences(sqlite, record, state, now), **columns}
            jobs.update(sqlite, record, columns)
            if event is not None:
                jobs.keep_event(sqlite, record, now, event)
            return jobs.read_job(sqlite, job), True

    def move(
        self, job: str, *, priority: int | None = None, place: QueuePlace | None = None, not_before: float | None = None
    ) -> tuple[JobRecord, bool]:
        """Change when an unfinished job gets its turn; not_before 0 or less is now. False for one that has ended."""
        with self._connection.transaction() as sqlite:
            record = jobs.read_job(sqlite, job)
            if record.state in ENDED:
                return record, False
            columns: dict[str, object] = {}
            if priority is not None:
                columns["priority"] = priority
            if place is not None:
                columns["position"] = jobs.position(sqlite, place)
            if not_before is not None:
                columns["not_before"] = not_before if not_before > 0 else None
            jobs.update(sqlite, record, columns)
            return jobs.read_job(sqlite, job), True

    def delete(self, job: str) -> bool:
        """Forget a job that has ended, with its events and chunks; False for one that has not.

        Remove its folder before: chunks on disk whose job the journal does not know are never removed by themselves.
        """
        with self._connection.transaction() as sqlite:
            record = jobs.read_job(sqlite, job)
            if record.state in UNFINISHED:
                return False
            sqlite.execute("DELETE FROM jobs WHERE number = ?", (record.number,))
            return True

    def expired(
        self,
        *,
        older_than_seconds: float | None = None,
        keep_jobs: int | None = None,
        up_seconds: float = 0.0,
        limit: int = 500,
    ) -> list[JobRecord]:
        """Ended jobs that ended too long ago, or are more than the latest `keep_jobs`; the oldest first.

        No reading of the wall clock makes a job old by itself: its age is the time from its end to the next job's, from
        that to the one after, and so on to now, and each of these steps counts for a day at most; a clock that was set
        back counts for nothing. up_seconds: how long the caller has run by a clock that nobody sets; the last step, to
        now, counts for no more.
        A failed job with finished chunks is never among them: they were reported, and not delivered.
        """
        return listing.expired(self._connection, self._clock(), up_seconds, older_than_seconds, keep_jobs, limit)

    # Events

    def append(self, job: str, event: Message) -> JobEvent:
        """Keep an event of a job under the next number."""
        with self._connection.transaction() as sqlite:
            return jobs.keep_event(sqlite, jobs.read_job(sqlite, job), self._clock(), event)

    def events(self, job: str, after: int = 0, limit: int = 1000) -> list[JobEvent]:
        """Kept events with a larger number, in order."""
        rows = self._connection.rows(
            "SELECT * FROM events WHERE job = ? AND sequence > ? ORDER BY sequence LIMIT ?",
            self.get(job).number,
            after,
            limit,
        )
        return [event_from_row(row) for row in rows]

    # Chunks

    def commit_chunk(self, receipt: ChunkReceipt, event: Message, *, seconds: float = 0.0) -> int:
        """Keep a finished chunk and its event, and count its frames; returns the event's number.

        seconds: of work, added to the job's. `failures` becomes 0. The same receipt again changes nothing and returns
        the number of the first time. Raises ChunkRefusedError for one that leaves a gap, overlaps, is of another
        fingerprint than the job (whose empty one becomes the receipt's), or belongs to a job that is done or cancelled.
        """
        with self._connection.transaction() as sqlite:
            record = jobs.read_job(sqlite, receipt.job)
            known = chunks.sequence_of(sqlite, record, receipt)
            if known is not None:
                return known
            chunks.check_continues(sqlite, record, receipt)
            kept = jobs.keep_event(sqlite, record, self._clock(), event)
            chunks.insert_chunk(sqlite, record, receipt, kept.sequence, seconds)
            return kept.sequence

    def chunks(self, job: str) -> list[ChunkReceipt]:
        """The finished chunks of a job, in order."""
        rows = self._connection.rows("SELECT * FROM chunks WHERE job = ? ORDER BY chunk", self.get(job).number)
        return [receipt_from_row(row) for row in rows]

    def last_chunk(self, job: str) -> ChunkReceipt | None:
        """The latest finished chunk."""
        sql = "SELECT * FROM chunks WHERE job = ? ORDER BY chunk DESC LIMIT 1"
        row = self._connection.row(sql, self.get(job).number)
        return None if row is None else receipt_from_row(row)

    def chunk_with_frame(self, job: str, frame: int) -> ChunkReceipt | None:
        """The finished chunk that holds a source frame."""
        sql = "SELECT * FROM chunks WHERE job = ? AND first <= ? ORDER BY first DESC LIMIT 1"
        row = self._connection.row(sql, self.get(job).number, frame)
        return None if row is None or row["stop"] <= frame else receipt_from_row(row)

    def chunk_bytes(self, job: str) -> int:
        """What the segments of a job take on disk, as journalled."""
        row = self._connection.row("SELECT sum(bytes) FROM chunks WHERE job = ?", self.get(job).number)
        return int(row[0] or 0) if row else 0

    def drop_chunks(self, job: str, from_chunk: int, event: Message | None = None) -> list[ChunkReceipt]:
        """Forget the chunks from that number on, to be computed again; returns them.

        frames_done is corrected; with the last chunk the fingerprint goes. The event is kept if anything was dropped.
        """
        with self._connection.transaction() as sqlite:
            record = jobs.read_job(sqlite, job)
            dropped = chunks.drop(sqlite, record, from_chunk)
            if dropped and event is not None:
                jobs.keep_event(sqlite, record, self._clock(), event)
            return dropped

    # The file

    def close(self) -> None:
        """Leave one complete file behind; nothing else may be called afterwards, except this again."""
        self._connection.close()
