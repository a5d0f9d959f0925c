"""A new journal in the place of a damaged or lost one, from what can still be read of it, and from chunks on disk."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import JournalError
from ..frames.messages import Message
from . import atomic
from .failpoints import reach
from .folders import job_folders, read_job_file
from .journal import Journal
from .receipts import DamagedChunkError
from .records import JobEvent, JobRecord, JobState, UnknownJobError
from .recovery import settle_chunks
from .tables import jobs
from .tables.connection import Connection, connect_read_only, file_version, translated
from .tables.rows import event_from_row, job_from_row, to_columns
from .tables.schema import VERSION

__all__ = ["RebuildReport", "rebuild"]

_REBUILT: Message = {"event": "state", "state": JobState.QUEUED.value, "reason": "the journal was made again"}


@dataclass(slots=True)
class RebuildReport:
    """damaged: where the old journal is kept, None where there was none. Jobs by where they were found."""

    damaged: Path | None = None
    jobs_from_journal: int = 0
    jobs_from_folders: int = 0
    chunks: int = 0
    unreadable: list[Path] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Salvaged:
    job: JobRecord
    settled: int | None
    events: list[JobEvent]


def rebuild(path: Path, scratch: Path, *, clock: Callable[[], float] = time.time) -> RebuildReport:
    """Make the journal at path again, and keep the old one beside it; only while no daemon runs.

    Every chunk is checked against its hash. Raises JournalError for a journal of a newer version, which is no damaged
    one, StorageError and DiskFullError; whatever it raises, the old journal is still there.
    """
    report = RebuildReport()
    fresh = path.with_name(path.name + ".rebuilt")
    with translated(path):
        if (file_version(path) or 0) > VERSION:
            raise JournalError(
                f"The journal of jobs, {path}, is of a newer version.", "Use the newer version of Answerprint."
            )
        _remove_journal(fresh)
        salvaged = list(_salvage(path))
    connection = Connection(fresh)
    with closing(connection), connection.transaction() as sqlite:
        for each in salvaged:
            _insert(sqlite, each)
    report.jobs_from_journal = len(salvaged)
    with Journal.open(fresh, clock=clock) as journal:
        _take_in_folders(journal, scratch, report)
    with translated(path):
        reach("rebuild")
        _swap(path, fresh, report)
    return report


def _salvage(path: Path) -> Iterator[_Salvaged]:
    """Job by job what the old journal still says: one damaged page costs the jobs on it, not the rest."""
    if not path.is_file():
        return
    with closing(connect_read_only(path)) as old:
        try:
            highest = old.execute("SELECT max(number) FROM jobs").fetchone()[0] or 0
        except sqlite3.Error:
            return
        for number in range(1, highest + 1):
            try:
                row = old.execute("SELECT * FROM jobs WHERE number = ?", (number,)).fetchone()
                if row is not None:
                    yield _Salvaged(job_from_row(row), row["settled"], _salvage_events(old, number))
            except (sqlite3.Error, JournalError, IndexError):
                continue  # the report counts what was found; the folder of the job may still bring it back


def _salvage_events(old: sqlite3.Connection, number: int) -> list[JobEvent]:
    found: list[JobEvent] = []
    try:
        for row in old.execute("SELECT * FROM events WHERE job = ? ORDER BY sequence", (number,)):
            event = event_from_row(row)
            if event.sequence != len(found) + 1:
                break
            found.append(event)
    except (sqlite3.Error, JournalError):
        pass  # what comes before the damage is kept
    return found


def _insert(sqlite: sqlite3.Connection, salvaged: _Salvaged) -> None:
    job = salvaged.job
    columns = to_columns({name: getattr(job, name) for name in job.__slots__})
    # Frames count once their chunks are found; a done job has none any more.
    frames_done = job.frames_done if job.state is JobState.DONE else 0
    jobs.insert(sqlite, {**columns, "settled": salvaged.settled, "frames_done": frames_done, "last_sequence": 0})
    for event in salvaged.events:
        jobs.keep_event(sqlite, jobs.read(sqlite, job.id), event.at, event.event)


def _take_in_folders(journal: Journal, scratch: Path, report: RebuildReport) -> None:
    folders, _ = job_folders(scratch)
    for folder in folders:
        try:
            job = journal.get(folder.name)
        except UnknownJobError:
            try:
                job, _created = journal.add(read_job_file(folder), _REBUILT)
            except DamagedChunkError:
                report.unreadable.append(folder)
                continue
            report.jobs_from_folders += 1
        if job.state not in (JobState.DONE, JobState.CANCELLED):
            report.chunks += len(settle_chunks(journal, scratch, job.id).adopted)


def _swap(path: Path, fresh: Path, report: RebuildReport) -> None:
    """Keep the old journal with its log, then put the new one in its place.

    The log goes before the file: SQLite would play the old log into the new file.
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
