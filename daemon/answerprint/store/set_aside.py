"""Set unreadable jobs aside, so that one of them does not stop all others.

SQLite's integrity check looks at the structure of a journal, not at its values: a flipped bit in a label passes.
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
    """Move the row of each unreadable job to a JSON file beside the journal; returns a message for each.

    Their chunks on disk stay. Raises JournalError, DiskFullError; the journal is then unchanged.
    """
    unreadable = [row for row in connection.raw_rows("SELECT * FROM jobs") if not _readable(row)]
    messages: list[str] = []
    for row in unreadable:
        number, file = row["number"], connection.path.with_name(f"{connection.path.name}.job-{row['number']}.json")
        with connection.transaction() as sqlite:
            atomic.write_bytes(file, json.dumps(row, indent=1).encode(), overwrite=True, mode=0o600)
            sqlite.execute("DELETE FROM jobs WHERE number = ?", (number,))
        messages.append(f"Job {number} ({row['id']}) in the journal cannot be read; its row was moved to {file}.")
    return messages


def _readable(row: Mapping[str, object]) -> bool:
    try:
        check_job(job_from_row(row))
    except (JournalError, sqlite3.Error):
        return False
    return True
