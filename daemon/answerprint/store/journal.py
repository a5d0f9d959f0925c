"""The journal of jobs: one SQLite file with all jobs, events and finished chunks, which survives any crash.

One connection, one writer, one thread: make all calls, also `Journal.open`, in the same thread. Each change is one
transaction, on disk when the call returns; a call that raises has changed nothing.
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

    Every method raises DiskFullError if the disk is full and JournalError for any other SQLite error; the transaction
    is rolled back and the connection stays usable. Methods that take a job id raise UnknownJobError if there is none.
    """

    def __init__(
        self, connection: JournalConnection, clock: Callable[[], float], unreadable: Collection[str] = ()
    ) -> None:
        self._connection = connection
        self._clock = clock
        self.unreadable = tuple(unreadable)
        """Messages about unreadable jobs that were set aside when it was opened."""

    @classmethod
    def open(cls, path: Path, *, clock: Callable[[], float] = time.time) -> Journal:
        """Open or create the journal at path, check it, and migrate an older version.

        An older journal is first copied to `<name>.backup-v<version>`. Raises JournalError if it is damaged or of a
        newer version; the file is then unchanged. A single unreadable job is set aside, see `unreadable`. clock: wall
        clock for the recorded times, in seconds since 1970.
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
        """Add a job with its first event; if its id exists, return that job unchanged, and False.

        Sets number, position and created. Raises InputError if the id is not a UUID in canonical form.
        """
        if not is_job_id(record.id):
            raise InputError(f"{record.id!r} is not a job id.", "Give a UUID in canonical form.")
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
        """The job with this full id."""
        row = self._connection.row("SELECT * FROM jobs WHERE id = ?", job)
        if row is None:
            raise UnknownJobError(f"There is no job {job!r}.")
        return job_from_row(row)

    def find(self, reference: str) -> JobRecord:
        """The job with this number, id, or unambiguous start of an id with at least 4 characters.

        Raises UnknownJobError if there is none or more than one. Numbers take precedence.
        """
        return listing.find_job(self._connection, reference)

    def page(
        self, states: Collection[JobState] = (), limit: int = 100, token: str = ""
    ) -> tuple[list[JobRecord], str, int]:
        """A page of jobs, the token of the next page ("" on the last), and the number of jobs on all pages.

        Running jobs come first, then waiting ones, both in queue order, then ended ones, latest first. states: only
        these; none means all. Raises InputError for an invalid token.
        """
        if limit < 1:
            raise InputError(f"A page cannot have {limit} jobs.", "Give 1 or more.")
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
        """The unfinished jobs with this output, in the order of their numbers."""
        return listing.unfinished_for(self._connection, output)

    def restorations(self, matches: Callable[[str], bool], part: str, limit: int) -> list[JobRecord]:
        """The latest restorations of media that match, the latest first; part: of the path, for speed, "" for none."""
        return listing.restorations(self._connection, matches, part, limit)

    def ready(self, now: float, lanes: Collection[str] | None = None, limit: int = 1) -> list[JobRecord]:
        """The jobs to run next, best first: queued, due, and for one of these devices (None: any)."""
        return listing.ready_jobs(self._connection, now, lanes, limit)

    def next_wakeup(self, now: float) -> float | None:
        """When the next queued job becomes due, in seconds since 1970; None if none waits for a time."""
        row = self._connection.row("SELECT min(not_before) FROM jobs WHERE state = 'queued' AND not_before > ?", now)
        return None if row is None else row[0]

    def counts(self) -> dict[JobState, int]:
        """How many jobs there are in each state."""
        found = {row[0]: row[1] for row in self._connection.rows("SELECT state, count(*) FROM jobs GROUP BY state")}
        return {state: found.get(state.value, 0) for state in JobState}

    def change(
        self, job: str, *, when: Collection[JobState], event: Message | None = None, **fields: object
    ) -> tuple[JobRecord, bool]:
        """Set fields of a job and append the event, if the job is in one of the states `when`.

        Returns the job afterwards, and whether it changed: of several concurrent callers, only one gets True. `state`
        is a JobState. `started` and `ended` follow from the state unless given. Raises TypeError for fields that only
        the journal sets: id, number, kind, position, frames_done, last_sequence, created.
        """
        if unknown := sorted(fields.keys() - CHANGEABLE):
            raise TypeError(f"{unknown[0]!r} cannot be set by a change")
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
        """Change the priority, order or start time of a job; not_before <= 0 is now. Returns False if it has ended."""
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
        """Delete an ended job with its events and chunks; returns False if it has not ended.

        Remove its folder first: chunks on disk of unknown jobs are never removed automatically.
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
        """Ended jobs that are too old, or not among the latest `keep_jobs`; the oldest first.

        The wall clock alone cannot make a job old: its age is the sum of the steps from its end to the end of the next
        job, and so on until now. Each step counts for at most a day, negative ones for nothing. up_seconds: how long
        the caller has run by a monotonic clock; the last step counts for no more. A failed job with finished chunks is
        never included: they were reported as done, but not delivered.
        """
        return listing.expired(self._connection, self._clock(), up_seconds, older_than_seconds, keep_jobs, limit)

    # Events

    def append(self, job: str, event: Message) -> JobEvent:
        """Append an event to a job, with the next sequence number."""
        with self._connection.transaction() as sqlite:
            return jobs.keep_event(sqlite, jobs.read_job(sqlite, job), self._clock(), event)

    def events(self, job: str, after: int = 0, limit: int = 1000) -> list[JobEvent]:
        """Recorded events after a sequence number, in order."""
        rows = self._connection.rows(
            "SELECT * FROM events WHERE job = ? AND sequence > ? ORDER BY sequence LIMIT ?",
            self.get(job).number,
            after,
            limit,
        )
        return [event_from_row(row) for row in rows]

    # Chunks

    def commit_chunk(self, receipt: ChunkReceipt, event: Message, *, seconds: float = 0.0) -> int:
        """Record a finished chunk and its event, and count its frames; returns the event's sequence number.

        seconds: work to add to the job. Resets `failures`. The same receipt again changes nothing and returns the first
        number. Raises ChunkRefusedError if the chunk leaves a gap, overlaps, has another fingerprint than the job (an
        empty one is set), or if the job is done or cancelled.
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
        """The last finished chunk."""
        sql = "SELECT * FROM chunks WHERE job = ? ORDER BY chunk DESC LIMIT 1"
        row = self._connection.row(sql, self.get(job).number)
        return None if row is None else receipt_from_row(row)

    def chunk_with_frame(self, job: str, frame: int) -> ChunkReceipt | None:
        """The finished chunk that holds a source frame."""
        sql = "SELECT * FROM chunks WHERE job = ? AND first <= ? ORDER BY first DESC LIMIT 1"
        row = self._connection.row(sql, self.get(job).number, frame)
        return None if row is None or row["stop"] <= frame else receipt_from_row(row)

    def chunk_bytes(self, job: str) -> int:
        """Size of the segments of a job in bytes, as recorded."""
        row = self._connection.row("SELECT sum(bytes) FROM chunks WHERE job = ?", self.get(job).number)
        return int(row[0] or 0) if row else 0

    def drop_chunks(self, job: str, from_chunk: int, event: Message | None = None) -> list[ChunkReceipt]:
        """Delete the chunks from this number on, so that they are computed again; returns them.

        Corrects frames_done, and clears the fingerprint if no chunk is left. The event is recorded if any chunk was
        deleted.
        """
        with self._connection.transaction() as sqlite:
            record = jobs.read_job(sqlite, job)
            dropped = chunks.drop(sqlite, record, from_chunk)
            if dropped and event is not None:
                jobs.keep_event(sqlite, record, self._clock(), event)
            return dropped

    # The file

    def close(self) -> None:
        """Close the journal, leaving one complete file. Idempotent; no other call may follow."""
        self._connection.close()
