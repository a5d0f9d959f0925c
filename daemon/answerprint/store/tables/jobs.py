"""Write jobs and their events as rows, within an open transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from answerprint.api.job import ENDED, JobEvent, JobRecord, JobState, UnknownJobError
from answerprint.api.types import QueuePlace
from answerprint.ipc.messages import Message
from answerprint.store.tables.rows import job_from_row, to_text

__all__ = ["QueuePlace", "consequences", "insert_job", "keep_event", "position", "read_job", "update"]


def read_job(sqlite: sqlite3.Connection, job: str) -> JobRecord:
    """The job with this full id. Raises UnknownJobError."""
    row = sqlite.execute("SELECT * FROM jobs WHERE id = ?", (job,)).fetchone()
    if row is None:
        raise UnknownJobError(f"There is no job {job!r}.")
    return job_from_row(row)


def keep_event(sqlite: sqlite3.Connection, job: JobRecord, at: float, event: Message) -> JobEvent:
    """Append an event with the next sequence number."""
    sequence = job.last_sequence + 1
    sqlite.execute(
        "INSERT INTO events (job, sequence, at, event) VALUES (?, ?, ?, ?)", (job.number, sequence, at, to_text(event))
    )
    sqlite.execute("UPDATE jobs SET last_sequence = ? WHERE number = ?", (sequence, job.number))
    return JobEvent(sequence, at, event)


def position(sqlite: sqlite3.Connection, place: QueuePlace) -> float:
    """A position before or after all others; one scale serves all priorities, as they are sorted first."""
    extreme, step = ("min", -1.0) if place == "first" else ("max", 1.0)
    found = sqlite.execute(f"SELECT {extreme}(position) FROM jobs").fetchone()[0]  # noqa: S608
    return (found or 0.0) + step


def consequences(sqlite: sqlite3.Connection, job: JobRecord, state: JobState, now: float) -> dict[str, object]:
    """The times and the place in history that follow from a new state."""
    if state in ENDED:
        settled = sqlite.execute("SELECT coalesce(max(settled), 0) + 1 FROM jobs").fetchone()[0]
        return {"ended": now, "settled": settled}
    columns: dict[str, object] = {"ended": None, "settled": None}
    if state is JobState.RUNNING and job.started is None:
        columns["started"] = now
    return columns


def insert_job(sqlite: sqlite3.Connection, columns: Mapping[str, object]) -> None:
    """Insert a job. Column names come only from this package, never from a client."""
    names, marks = ", ".join(columns), ", ".join("?" * len(columns))
    sqlite.execute(f"INSERT INTO jobs ({names}) VALUES ({marks})", tuple(columns.values()))  # noqa: S608


def update(sqlite: sqlite3.Connection, job: JobRecord, columns: Mapping[str, object]) -> None:
    """Set columns of a job; there may be none."""
    if columns:
        assignments = ", ".join(f"{name} = ?" for name in columns)
        sqlite.execute(f"UPDATE jobs SET {assignments} WHERE number = ?", (*columns.values(), job.number))  # noqa: S608
