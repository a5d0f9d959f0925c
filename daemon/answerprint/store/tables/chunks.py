"""Finished chunks as rows; they make frames count as done."""

from __future__ import annotations

import json
import sqlite3

from answerprint.api.job import ChunkRefusedError, JobRecord, JobState
from answerprint.store.receipts import ChunkReceipt
from answerprint.store.tables.rows import receipt_from_row, to_text

__all__ = ["check_continues", "drop", "insert_chunk", "sequence_of"]

_WITHOUT_CHUNKS = frozenset({JobState.DONE, JobState.CANCELLED})  # a failed job keeps its chunks for a retry


def sequence_of(sqlite: sqlite3.Connection, job: JobRecord, receipt: ChunkReceipt) -> int | None:
    """Sequence number of a recorded chunk, None if there is none. Raises ChunkRefusedError if it differs."""
    row = sqlite.execute("SELECT * FROM chunks WHERE job = ? AND chunk = ?", (job.number, receipt.chunk)).fetchone()
    if row is None:
        return None
    if json.loads(row["receipt"]) != json.loads(to_text(receipt.to_json())):
        raise ChunkRefusedError(f"Chunk {receipt.chunk} of job {job.number} is already in the journal, and differs.")
    return int(row["sequence"])


def check_continues(sqlite: sqlite3.Connection, job: JobRecord, receipt: ChunkReceipt) -> None:
    """Raise ChunkRefusedError unless the receipt is that of the job's next chunk."""
    row = sqlite.execute("SELECT * FROM chunks WHERE job = ? ORDER BY chunk DESC LIMIT 1", (job.number,)).fetchone()
    last = None if row is None else receipt_from_row(row)
    chunk, first = (0, receipt.first) if last is None else (last.chunk + 1, last.stop)
    fingerprints = {receipt.fingerprint, job.fingerprint or receipt.fingerprint}
    if last is not None:
        fingerprints.add(last.fingerprint)
    if job.state in _WITHOUT_CHUNKS:
        reason = f"the job is {job.state.value}"
    elif receipt.chunk != chunk:
        reason = f"chunk {chunk} is next"
    elif receipt.first != first:
        reason = f"frame {first} is next, not {receipt.first}"
    elif len(fingerprints) > 1:
        reason = "it was computed from another source or with other settings"
    else:
        return
    raise ChunkRefusedError(f"Chunk {receipt.chunk} does not belong to job {job.number} now: {reason}.")


def insert_chunk(
    sqlite: sqlite3.Connection, job: JobRecord, receipt: ChunkReceipt, sequence: int, seconds: float
) -> None:
    """Insert the row and count its frames."""
    sqlite.execute(
        "INSERT INTO chunks (job, chunk, first, stop, bytes, sequence, receipt) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            job.number,
            receipt.chunk,
            receipt.first,
            receipt.stop,
            receipt.segment.bytes,
            sequence,
            to_text(receipt.to_json()),
        ),
    )
    sqlite.execute(
        "UPDATE jobs SET frames_done = frames_done + ?, seconds = seconds + ?, failures = 0, fingerprint = ?"
        " WHERE number = ?",
        (receipt.stop - receipt.first, seconds, receipt.fingerprint, job.number),
    )


def drop(sqlite: sqlite3.Connection, job: JobRecord, from_chunk: int) -> list[ChunkReceipt]:
    """Delete the chunks from this number on; returns them."""
    rows = sqlite.execute(
        "SELECT * FROM chunks WHERE job = ? AND chunk >= ? ORDER BY chunk", (job.number, from_chunk)
    ).fetchall()
    receipts = [receipt_from_row(row) for row in rows]
    sqlite.execute("DELETE FROM chunks WHERE job = ? AND chunk >= ?", (job.number, from_chunk))
    left = sqlite.execute(
        "SELECT count(*), coalesce(sum(stop - first), 0) FROM chunks WHERE job = ?", (job.number,)
    ).fetchone()
    sqlite.execute(
        "UPDATE jobs SET frames_done = ?, fingerprint = CASE ? WHEN 0 THEN '' ELSE fingerprint END WHERE number = ?",
        (left[1], left[0], job.number),
    )
    return receipts
