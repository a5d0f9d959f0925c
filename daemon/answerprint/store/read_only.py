"""Read the journal without changing it, while no daemon is running or beside one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from answerprint.api.job import UNFINISHED
from answerprint.errors import JournalError
from answerprint.store.journal import Journal
from answerprint.store.tables.connection import JournalConnection, connect_read_only, translate_errors
from answerprint.store.tables.rows import job_from_row
from answerprint.store.tables.schema import APPLICATION_ID, VERSION

__all__ = ["jobs_that_need", "journal_to_read"]


class _Reader(JournalConnection):
    """A read-only connection."""

    def __init__(self, path: Path) -> None:
        self.path = path
        log = path.with_name(path.name + "-wal")
        with translate_errors(path):
            self._sqlite = connect_read_only(path, alone=not (log.exists() and log.stat().st_size))


@contextmanager
def journal_to_read(path: Path) -> Iterator[Journal]:
    """Yield the journal at path, for reading only.

    Raises JournalError if it is damaged or of another version: only a daemon migrates it.
    """
    reader = _Reader(path)
    try:
        found = reader.rows("PRAGMA application_id")[0][0], reader.rows("PRAGMA user_version")[0][0]
        if found != (APPLICATION_ID, VERSION):
            raise JournalError(
                f"The journal of jobs, {path}, has another version.", "Start the daemon: answerprint daemon start"
            )
        yield Journal(reader, time.time)
    finally:
        reader.close()


def jobs_that_need(model: str, path: Path) -> list[int]:
    """Numbers of the unfinished jobs that need a model. The journal may be missing. Raises JournalError."""
    if not path.exists():
        return []
    with translate_errors(path), closing(connect_read_only(path)) as connection:
        jobs = [job_from_row(row) for row in connection.execute("SELECT * FROM jobs ORDER BY number")]
    return [job.number for job in jobs if job.state in UNFINISHED and job.request.get("model") == model]
