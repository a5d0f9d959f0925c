"""The schema of the journal by version. Never change a released version; add a new one."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from types import MappingProxyType

__all__ = ["APPLICATION_ID", "MIGRATIONS", "VERSION"]

APPLICATION_ID = 0x41505254  # "APRT"
VERSION = 2
"""The version that this program reads and writes; stored in `PRAGMA user_version`."""

_VERSION_1 = """
CREATE TABLE jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,   -- never given twice, also after a job was deleted
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    request TEXT NOT NULL,                      -- JSON in ASCII, as are problem, facts and result
    priority INTEGER NOT NULL DEFAULT 0,
    position REAL NOT NULL,
    created REAL NOT NULL,
    started REAL,
    ended REAL,
    seconds REAL NOT NULL DEFAULT 0,
    frames_total INTEGER NOT NULL DEFAULT 0,
    frames_done INTEGER NOT NULL DEFAULT 0,
    fingerprint TEXT NOT NULL DEFAULT '',
    rung INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    problem TEXT,
    facts TEXT NOT NULL DEFAULT '{}',
    result TEXT NOT NULL DEFAULT '{}',
    last_sequence INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE events (
    job INTEGER NOT NULL REFERENCES jobs (number) ON DELETE CASCADE,
    sequence INTEGER NOT NULL,
    at REAL NOT NULL,
    event TEXT NOT NULL,
    PRIMARY KEY (job, sequence)
) WITHOUT ROWID;
CREATE TABLE chunks (
    job INTEGER NOT NULL REFERENCES jobs (number) ON DELETE CASCADE,
    chunk INTEGER NOT NULL,
    first INTEGER NOT NULL,
    stop INTEGER NOT NULL CHECK (stop > first),
    bytes INTEGER NOT NULL,
    sequence INTEGER NOT NULL,                  -- of the event that reported it
    receipt TEXT NOT NULL,
    PRIMARY KEY (job, chunk)
) WITHOUT ROWID;
"""

# label is JSON too, so that file names that are not valid Unicode survive.
# settled increases whenever a job ends; it orders history, for which the wall clock is not reliable.
_VERSION_2 = """
ALTER TABLE jobs ADD COLUMN label TEXT NOT NULL DEFAULT '""';
ALTER TABLE jobs ADD COLUMN clip TEXT NOT NULL DEFAULT '{}';
ALTER TABLE jobs ADD COLUMN lane TEXT NOT NULL DEFAULT 'auto';
ALTER TABLE jobs ADD COLUMN not_before REAL;
ALTER TABLE jobs ADD COLUMN settled INTEGER;
UPDATE jobs SET settled = number WHERE state IN ('done', 'failed', 'cancelled');
CREATE INDEX jobs_queue ON jobs (state, priority DESC, position, number);
CREATE INDEX jobs_turns ON jobs (state, lane, priority DESC, position, number, not_before);
CREATE INDEX jobs_due ON jobs (state, not_before);
CREATE INDEX jobs_output ON jobs (json_extract(request, '$.output'));
CREATE INDEX jobs_history ON jobs (settled);
CREATE INDEX jobs_position ON jobs (position);
CREATE INDEX chunks_frames ON chunks (job, first);
"""


def _run(script: str) -> Callable[[sqlite3.Connection], None]:
    def migrate(connection: sqlite3.Connection) -> None:
        # Not executescript: that would commit the transaction it runs in.
        for statement in _statements(script):
            connection.execute(statement)

    return migrate


def _statements(script: str) -> list[str]:
    """Split a script into complete statements, as SQLite defines them."""
    statements, text = [], ""
    for line in script.splitlines():
        text += line + "\n"
        if sqlite3.complete_statement(text):
            statements.append(text)
            text = ""
    return statements


MIGRATIONS: Mapping[int, Callable[[sqlite3.Connection], None]] = MappingProxyType(
    {1: _run(_VERSION_1), 2: _run(_VERSION_2)}
)
"""Migrates from the version before to this one, within a transaction."""
