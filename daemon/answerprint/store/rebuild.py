"""Rebuild a damaged or lost journal from its readable parts and from the chunks on disk."""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from answerprint.api.job import JobState, UnknownJobError
from answerprint.errors import JournalError
from answerprint.ipc.messages import Message
from answerprint.store import atomic
from answerprint.store.failpoints import reach
from answerprint.store.folders import job_folders, read_waiting_job
from answerprint.store.journal import Journal
from answerprint.store.receipts import DamagedChunkError
from answerprint.store.recovery import settle_chunks
from answerprint.store.salvage import SalvagedJob, salvage, sane_number
from answerprint.store.tables import jobs
from answerprint.store.tables.connection import JournalConnection, file_version, translate_errors
from answerprint.store.tables.rows import to_columns
from answerprint.store.tables.schema import VERSION

__all__ = ["RebuildReport", "rebuild"]

_REBUILT: Message = {"event": "state", "state": JobState.QUEUED.value, "reason": "the journal was rebuilt"}

_NEWER = 50
_DELIVERED = frozenset({JobState.DONE, JobState.CANCELLED})
"""Jobs that need no chunks."""


@dataclass(slots=True)
class RebuildReport:
    """damaged: path of the old journal, None if there was none. Jobs are counted by where they were found.

    lost: jobs with an unreadable row, which are only in the old journal unless their folder described them.
    """

    damaged: Path | None = None
    jobs_from_journal: int = 0
    jobs_from_folders: int = 0
    chunks: int = 0
    unreadable: list[Path] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)


def rebuild(path: Path, scratch: Path, *, clock: Callable[[], float] = time.time) -> RebuildReport:
    """Rebuild the journal at path and keep the old one beside it. No daemon may be running.

    Checks the hash of every chunk. Raises JournalError if the journal is of a newer version, StorageError and
    DiskFullError; after any error, the old journal is still in place.
    """
    report = RebuildReport()
    fresh = path.with_name(path.name + ".rebuilt")
    with translate_errors(path):
        if VERSION < (file_version(path) or 0) <= VERSION + _NEWER:  # a larger number is damage
            raise JournalError(
                f"The journal of jobs, {path}, has a newer version.", "Use the newer version of Answerprint."
            )
        _remove_journal(fresh)
        found = salvage(path)
    connection = JournalConnection(fresh)
    with closing(connection), connection.transaction() as sqlite:
        _insert(sqlite, found.jobs)
    report.jobs_from_journal = len(found.jobs)
    report.lost = found.unreadable
    with Journal.open(fresh, clock=clock) as journal:
        _add_folders(journal, scratch, report)
    with translate_errors(path):
        reach("rebuild")
        _swap(path, fresh, report)
    return report


def _insert(sqlite: sqlite3.Connection, jobs_found: list[SalvagedJob]) -> None:
    """Insert all rows at once: one by one, thousands of jobs would take a minute."""
    taken: set[int] = set()
    following = max((each.job.number for each in jobs_found if sane_number(each.job.number)), default=0) + 1
    for each in jobs_found:
        job, number = each.job, each.job.number
        if not sane_number(number) or number in taken:
            number, following = following, following + 1
        taken.add(number)
        columns = to_columns({name: getattr(job, name) for name in job.__slots__})
        # Frames are counted when their chunks are found; a done job has no chunks left.
        frames_done = job.frames_done if job.state is JobState.DONE else 0
        columns |= {"number": number, "settled": each.settled, "frames_done": frames_done}
        events = each.events if job.state in _DELIVERED else _without_chunks(each.events)
        jobs.insert_job(sqlite, {**columns, "last_sequence": len(events)})
        rows = [(number, sequence, at, text) for sequence, (at, text) in enumerate(events, 1)]
        sqlite.executemany("INSERT INTO events (job, sequence, at, event) VALUES (?, ?, ?, ?)", rows)


def _without_chunks(events: list[tuple[float, str]]) -> list[tuple[float, str]]:
    """Drop chunk events: the chunks that are found get new ones, and must not be counted twice."""
    return [(at, text) for at, text in events if json.loads(text)["event"] != "chunk"]


def _add_folders(journal: Journal, scratch: Path, report: RebuildReport) -> None:
    folders, _ = job_folders(scratch)
    for folder in folders:
        try:
            job = journal.get(folder.name)
        except UnknownJobError:
            try:
                job, _created = journal.add(read_waiting_job(folder), _REBUILT)
            except DamagedChunkError:
                report.unreadable.append(folder)
                continue
            report.jobs_from_folders += 1
        if job.state not in _DELIVERED:
            report.chunks += len(settle_chunks(journal, scratch, job.id).adopted)


def _swap(path: Path, fresh: Path, report: RebuildReport) -> None:
    """Back up the old journal and its log, then replace it by the new one.

    The old log is removed first: SQLite would apply it to the new file.
    """
    kept = [old for old in (path, path.with_name(path.name + "-wal")) if old.exists()]
    damaged = _free_name(path)
    for old in kept:
        shutil.copy2(old, path.with_name(damaged.name + old.name.removeprefix(path.name)))
    report.damaged = damaged if kept else None
    reach("rebuild")
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    reach("rebuild")
    atomic.publish(fresh, path, overwrite=True)


def _free_name(path: Path) -> Path:
    stamp = time.strftime("%Y%m%d-%H%M%S")
    names = (
        path.with_name(f"{path.name}.damaged-{stamp}{suffix}") for suffix in ("", *(f"-{n}" for n in range(1, 99)))
    )
    return next(name for name in names if not name.exists())


def _remove_journal(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
