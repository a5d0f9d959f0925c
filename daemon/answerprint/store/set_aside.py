"""Jobs that cannot be read are set aside, so that one of them does not stop the work of all others.

SQLite's own check looks at the order of a journal, not at what is in it: a flipped bit in a label passes.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping

from answerprint.errors import JournalError
from answerprint.store import atomic
from answerprint.store.salvage import check_job
from answerprint.store.tables.connection import JournalConnection
from answerprint.store.tables.rows import job_from_row

__all__ = ["set_aside"]


def set_aside(connection: JournalConnection) -> list[str]:
    """Take each job out that cannot be read, and keep its row as JSON beside the journal; returns what to tell of it.

    Its chunks on disk stay. Raises JournalError, DiskFullError; the journal is then as it was.
    """
    unreadable = [row for row in connection.raw_rows("SELECT * FROM jobs") if not _readable(row)]
    said: list[str] = []
    for row in unreadable:
        number, place = row["number"], connection.path.with_name(f"{connection.path.name}.job-{row['number']}.json")
        with connection.transaction() as sqlite:
            atomic.write_bytes(place, json.dumps(row, indent=1).encode(), overwrite=True, mode=0o600)
            sqlite.execute("DELETE FROM jobs WHERE number = ?", (number,))
        said.append(f"Job {number} ({row['id']}) cannot be read in the journal; what is left of it is in {place}.")
    return said


def _readable(row: Mapping[str, object]) -> bool:
    try:
        check_job(job_from_row(row))
    except (JournalError, sqlite3.Error):
        return False
    return True
