"""Check that journal and disk agree, including all hashes. Changes nothing.

It may run beside a daemon: every finding is checked again before it is reported.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Literal

from answerprint.api.job import UNFINISHED, JobRecord, JobState
from answerprint.errors import JournalError
from answerprint.store import atomic
from answerprint.store.folders import is_ours, job_folder, job_folders
from answerprint.store.receipts import ChunkReceipt, find_damage, find_file_damage
from answerprint.store.tables.connection import connect_read_only, translate_errors
from answerprint.store.tables.rows import REBUILD, job_from_row, receipt_from_row
from answerprint.store.tables.schema import APPLICATION_ID, VERSION

__all__ = ["Finding", "Verification", "verify_journal"]

_WITH_FILES = UNFINISHED | {JobState.FAILED}
_RUNNING = frozenset({JobState.RUNNING, JobState.MUXING})
_FIXED_SQLITE = (3, 51, 3)
_SHARED = "Answerprint corrects it at its next start."


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding. error: finished work is lost or at risk; note: worth knowing."""

    level: Literal["error", "note"]
    subject: str
    message: str
    remedy: str = ""


@dataclass(slots=True)
class Verification:
    """What was checked, and the findings."""

    findings: list[Finding] = field(default_factory=list)
    jobs: int = 0
    chunks: int = 0
    bytes: int = 0

    @property
    def errors(self) -> list[Finding]:
        """The findings that are errors."""
        return [finding for finding in self.findings if finding.level == "error"]


def verify_journal(path: Path, scratch: Path) -> Verification:
    """Compare the journal at path with the files of its jobs. Changes nothing, and reports errors as findings."""
    result = Verification()
    result.findings += _sqlite_notes()
    result.findings += _modes(path, 0o600)
    result.findings += _modes(path.parent, 0o700)
    if not path.exists():
        result.findings.append(Finding("note", str(path), "There is no journal yet."))
        return result
    try:
        with translate_errors(path), closing(connect_read_only(path)) as connection:
            _verify_journal(connection, path, scratch, result)
    except JournalError as error:
        result.findings.append(Finding("error", str(path), error.message, error.remedy))
    return result


def _verify_journal(connection: sqlite3.Connection, path: Path, scratch: Path, result: Verification) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        result.findings.append(Finding("error", str(path), "It is not a journal of jobs.", "Move it away."))
        return
    if version != VERSION:
        text = f"It has format {version}; this program uses format {VERSION}."
        result.findings.append(Finding("note", str(path), text, "An older journal is migrated at the next start."))
        return
    for row in connection.execute("PRAGMA integrity_check(20)"):
        if row[0] != "ok":
            result.findings.append(Finding("error", str(path), f"It is damaged: {row[0]}", REBUILD))
    jobs = [job_from_row(row) for row in connection.execute("SELECT * FROM jobs ORDER BY number")]
    result.jobs = len(jobs)
    for job in jobs:
        first = list(_verify_job(connection, job.id, scratch, result))
        # A daemon may have changed the job meanwhile: report only what is found twice.
        if first:
            again = list(_verify_job(connection, job.id, scratch, Verification()))
            first = [finding for finding in first if finding in again]
        result.findings += first
    result.findings += _orphans(connection, scratch)


def _verify_job(connection: sqlite3.Connection, job: str, scratch: Path, result: Verification) -> Iterator[Finding]:
    read = _read_job(connection, job)
    if read is None:
        return
    record, receipts = read
    subject = f"job {record.number}"
    yield from _sequences(connection, record, subject)
    yield from _sums(record, receipts, subject)
    if record.state is JobState.DONE:
        yield from _deliverable(record, subject)
    if record.state not in _WITH_FILES or not (receipts or (scratch / record.id).exists()):
        return
    folder = job_folder(scratch, record.id)
    yield from _modes(folder, 0o700)
    for receipt in receipts:
        yield from _chunk(folder, receipt, receipt is receipts[-1], subject)
        result.chunks += 1
        result.bytes += receipt.segment.bytes
    if record.state not in _RUNNING:  # a running child has unfinished files
        yield from _strangers(folder, {receipt.chunk for receipt in receipts}, subject)


def _read_job(connection: sqlite3.Connection, job: str) -> tuple[JobRecord, list[ChunkReceipt]] | None:
    """A job and its chunks, read in one transaction."""
    connection.execute("BEGIN")
    try:
        row = connection.execute("SELECT * FROM jobs WHERE id = ?", (job,)).fetchone()
        if row is None:
            return None
        chunks = connection.execute("SELECT * FROM chunks WHERE job = ? ORDER BY chunk", (row["number"],)).fetchall()
    finally:
        connection.execute("COMMIT")
    return job_from_row(row), [receipt_from_row(chunk) for chunk in chunks]


def _sequences(connection: sqlite3.Connection, job: JobRecord, subject: str) -> Iterator[Finding]:
    row = connection.execute(
        "SELECT count(*), coalesce(min(sequence), 0), coalesce(max(sequence), 0) FROM events"
        " WHERE job = ? AND sequence <= ?",
        (job.number, job.last_sequence),
    ).fetchone()
    expected = (job.last_sequence, min(1, job.last_sequence), job.last_sequence)
    if tuple(row) != expected:
        yield Finding("error", subject, f"It has {row[0]} of {job.last_sequence} events.", REBUILD)


def _sums(job: JobRecord, receipts: list[ChunkReceipt], subject: str) -> Iterator[Finding]:
    frames = sum(receipt.stop - receipt.first for receipt in receipts)
    if frames != job.frames_done and job.state is not JobState.DONE:
        yield Finding("error", subject, f"It counts {job.frames_done} frames, but its chunks have {frames}.", REBUILD)
    for before, after in pairwise(receipts):
        if (after.chunk, after.first) != (before.chunk + 1, before.stop):
            yield Finding("error", subject, f"Chunk {after.chunk} does not follow chunk {before.chunk}.", REBUILD)
    strangers = {
        receipt.chunk for receipt in receipts if (receipt.job, receipt.fingerprint) != (job.id, job.fingerprint)
    }
    if strangers:
        yield Finding(
            "error", subject, f"Chunk {min(strangers)} was computed for another job or with other settings.", REBUILD
        )


def _chunk(folder: Path, receipt: ChunkReceipt, last: bool, subject: str) -> Iterator[Finding]:
    try:
        damage = find_damage(folder, receipt, carry=False)
        lost = find_file_damage(folder, receipt.carry) if last and receipt.carry else ""
    except OSError as error:
        damage, lost = f"{error.filename} cannot be read ({error.strerror}).", ""
    if damage:
        yield Finding(
            "error", subject, f"Chunk {receipt.chunk}: {damage}", "The daemon computes it again at its next start."
        )
    elif lost:
        yield Finding("note", subject, lost, "The daemon may compute the shot again from its first frame.")


def _strangers(folder: Path, chunks: set[int], subject: str) -> Iterator[Finding]:
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        number = path.name.removeprefix("chunk-").partition(".")[0]
        if atomic.is_temporary(path.name):
            yield Finding("note", subject, f"{path} was never finished.", "The daemon removes it at its next start.")
        elif not is_ours(path):
            yield Finding("note", subject, f"{path} is not from Answerprint and is left untouched.")
        elif path.name.startswith("chunk-") and int(number) not in chunks:
            yield Finding(
                "note", subject, f"{path} is not in the journal.", "The daemon adopts or removes it at its next start."
            )


def _deliverable(job: JobRecord, subject: str) -> Iterator[Finding]:
    output = Path(str(job.result.get("output") or job.output))
    # A sequence is named by a pattern, so check its folder.
    wanted = output.parent if any(mark in output.name for mark in "%[#") else output
    if not wanted.exists():
        yield Finding("note", subject, f"{output} no longer exists.", "It may have been moved.")


def _orphans(connection: sqlite3.Connection, scratch: Path) -> Iterator[Finding]:
    try:
        folders, others = job_folders(scratch)
    except OSError as error:
        yield Finding("error", str(scratch), f"It cannot be read ({error.strerror}).", "Check its permissions.")
        return
    for folder in folders:
        row = connection.execute("SELECT state FROM jobs WHERE id = ?", (folder.name,)).fetchone()
        if row is None and folder.exists():
            yield Finding(
                "note",
                str(folder),
                "The journal does not have this job.",
                f"Remove the folder, or recover the job: {REBUILD}",
            )
        elif row is not None and JobState(row["state"]) not in _WITH_FILES and folder.exists():
            yield Finding(
                "note", str(folder), f"Its job is {row['state']}.", "The daemon removes it at its next start."
            )
    for path in others:
        yield Finding("note", str(path), "It is not from Answerprint and is left untouched.")


def _modes(path: Path, mode: int) -> Iterator[Finding]:
    if os.name == "nt":
        return
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if stat.S_IMODE(found.st_mode) & ~mode:
        text = f"Other users can access it (mode {stat.S_IMODE(found.st_mode):o} instead of {mode:o})."
        yield Finding("error", str(path), text, _SHARED)
    if found.st_uid != os.geteuid():
        yield Finding("error", str(path), "It belongs to another user.", "Set ANSWERPRINT_HOME to your own folder.")


def _sqlite_notes() -> Iterator[Finding]:
    if sqlite3.sqlite_version_info < _FIXED_SQLITE:
        yield Finding(
            "note",
            f"SQLite {sqlite3.sqlite_version}",
            "Before 3.51.3, two concurrent writers could damage a journal. Answerprint uses only one.",
        )
