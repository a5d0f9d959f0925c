"""Convert between rows and records: the only module that knows the columns."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from answerprint.api.clip_ref import ClipRef
from answerprint.api.job import JobEvent, JobRecord, JobState
from answerprint.errors import InputError, JournalError
from answerprint.store.receipts import ChunkReceipt, DamagedChunkError

__all__ = [
    "CHANGEABLE",
    "REBUILD",
    "event_from_row",
    "job_from_row",
    "receipt_from_row",
    "to_columns",
    "to_text",
]

REBUILD = "Rebuild it from its readable parts and the finished chunks: answerprint doctor --rebuild"

_JSON = frozenset({"label", "request", "clip", "problem", "facts", "result"})
_FIELDS = tuple(field.name for field in fields(JobRecord))

CHANGEABLE = frozenset(_FIELDS) - {
    "id", "number", "kind", "position", "created", "frames_done", "last_sequence",
}  # fmt: skip
"""Fields that callers set; the journal sets the others."""


def to_text(value: object) -> str:
    """JSON in ASCII, so that file names that are not valid Unicode survive. Raises ValueError for NaN."""
    return json.dumps(value, allow_nan=False, separators=(",", ":"))


def to_columns(values: Mapping[str, object]) -> dict[str, object]:
    """Fields of a JobRecord as column values."""
    return {name: _column(name, value) for name, value in values.items()}


def _column(name: str, value: object) -> object:
    if isinstance(value, JobState):
        return value.value
    if isinstance(value, ClipRef):
        value = value.to_json()
    return to_text(value) if name in _JSON and value is not None else value


def job_from_row(row: sqlite3.Row | Mapping[str, object]) -> JobRecord:
    """Read a row of jobs. Raises JournalError if it is invalid."""
    try:
        return _job(row)
    except (IndexError, TypeError, ValueError, RecursionError, InputError) as error:
        raise JournalError("A job in the journal cannot be read.", REBUILD) from error


def event_from_row(row: sqlite3.Row) -> JobEvent:
    """Read a row of events. Raises JournalError if it is invalid."""
    try:
        return JobEvent(row["sequence"], row["at"], json.loads(row["event"]))
    except (IndexError, TypeError, ValueError, RecursionError) as error:
        raise JournalError("An event in the journal cannot be read.", REBUILD) from error


def receipt_from_row(row: sqlite3.Row) -> ChunkReceipt:
    """Read a row of chunks. Raises JournalError if it is invalid."""
    try:
        return ChunkReceipt.from_json(json.loads(row["receipt"]))
    except (DamagedChunkError, IndexError, TypeError, ValueError, RecursionError) as error:
        raise JournalError("A chunk in the journal cannot be read.", REBUILD) from error


def _job(row: sqlite3.Row | Mapping[str, object]) -> JobRecord:
    values: dict[str, Any] = {name: row[name] for name in _FIELDS}
    for name in _JSON:
        text = values[name]
        if text is not None:
            values[name] = (
                {} if text == "{}" else json.loads(text)
            )  # fast path: most are empty, and a page reads thousands
    values["clip"] = ClipRef.from_json(values["clip"])
    values["state"] = JobState(values["state"])
    return JobRecord(**values)
