"""Queries for jobs: by reference, by page, by turn. Pages use keys instead of offsets, so all cost the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import NamedTuple

from answerprint.api.job import ENDED, UNFINISHED, JobRecord, JobState, UnknownJobError
from answerprint.errors import InputError
from answerprint.store.tables.connection import JournalConnection
from answerprint.store.tables.rows import job_from_row, to_text

__all__ = ["expired", "find_job", "page", "ready_jobs", "restorations", "unfinished_for", "with_chunks"]

_RUNNING = frozenset({JobState.RUNNING, JobState.MUXING})
_WAITING = frozenset({JobState.QUEUED, JobState.PAUSED})
_QUEUE_ORDER = "priority DESC, position, number"
_LONGEST_NUMBER = 18
_ID_START = re.compile(r"[0-9a-f-]{4,36}")
_SEE = "List all jobs: answerprint jobs list --all"


def find_job(connection: JournalConnection, reference: str) -> JobRecord:
    """The job with this number, id, or unambiguous start of an id. Raises UnknownJobError."""
    text = reference.strip().lower()
    if text.isdecimal() and text.isascii() and len(text) <= _LONGEST_NUMBER:
        row = connection.row("SELECT * FROM jobs WHERE number = ?", int(text))
        if row is not None:
            return job_from_row(row)
    if not _ID_START.fullmatch(text):
        raise UnknownJobError(f"There is no job {reference!r}.", _SEE)
    # "g" sorts after all characters of an id, so this range is a prefix search that uses the index.
    rows = connection.rows("SELECT * FROM jobs WHERE id >= ? AND id < ? LIMIT 2", text, text + "g")
    if not rows:
        raise UnknownJobError(f"There is no job {reference!r}.", _SEE)
    if len(rows) > 1:
        raise UnknownJobError(f"More than one job starts with {reference!r}.", "Give more of the id, or the number.")
    return job_from_row(rows[0])


class _Section(NamedTuple):
    """A part of the list with its own order. key: the columns of the order and of tokens."""

    states: frozenset[JobState]
    key: tuple[str, str, str]


_SECTIONS = (
    _Section(_RUNNING, ("-priority", "position", "number")),
    _Section(_WAITING, ("-priority", "position", "number")),
    _Section(ENDED, ("-settled", "0.0", "number")),
)


def page(
    connection: JournalConnection, states: Collection[JobState], limit: int, token: str
) -> tuple[list[JobRecord], str, int]:
    """A page of jobs, the next token, and the number of jobs on all pages. Raises InputError for an invalid token."""
    wanted = frozenset(states) or frozenset(JobState)
    start, after = _read_token(token)
    jobs: list[JobRecord] = []
    following = ""
    for index, section in enumerate(_SECTIONS[start:], start):
        chosen = section.states & wanted
        # One more than requested tells whether there is a next page.
        found = _section(connection, section, chosen, after, limit + 1 - len(jobs)) if chosen else []
        after = None
        for job, key in found:
            if len(jobs) == limit:
                return jobs, following, _count(connection, wanted)
            jobs.append(job)
            following = f"{index}:{key[0]}:{key[1]!r}:{key[2]}"
    return jobs, "", _count(connection, wanted)


def _section(
    connection: JournalConnection,
    section: _Section,
    states: Collection[JobState],
    after: tuple[int, float, int] | None,
    limit: int,
) -> list[tuple[JobRecord, tuple[int, float, int]]]:
    key = ", ".join(section.key)
    where = f"state IN ({_marks(states)})" + (f" AND ({key}) > (?, ?, ?)" if after else "")
    # The inner query uses only an index; only the rows of this page are read.
    sql = f"""
        SELECT *, {section.key[0]} AS key0, {section.key[1]} AS key1 FROM jobs
        WHERE number IN (SELECT number FROM jobs WHERE {where} ORDER BY {key} LIMIT ?)
        ORDER BY {key}
    """  # noqa: S608
    rows = connection.rows(sql, *(state.value for state in states), *(after or ()), limit)
    return [(job_from_row(row), (row["key0"], row["key1"], row["number"])) for row in rows]


def _read_token(token: str) -> tuple[int, tuple[int, float, int] | None]:
    if not token:
        return 0, None
    try:
        section, first, second, number = token.split(":")
        start, after = int(section), (int(first), float(second), int(number))
        if not (0 <= start < len(_SECTIONS) and all(abs(value) < 2**63 for value in after)):
            raise ValueError
    except ValueError as error:
        raise InputError("Invalid page token.", "Start with the first page.") from error
    return start, after


def _count(connection: JournalConnection, states: Collection[JobState]) -> int:
    sql = f"SELECT count(*) FROM jobs WHERE state IN ({_marks(states)})"  # noqa: S608
    row = connection.row(sql, *(state.value for state in states))
    return int(row[0]) if row else 0


def ready_jobs(connection: JournalConnection, now: float, lanes: Collection[str] | None, limit: int) -> list[JobRecord]:
    """Queued jobs that are due, for one of these devices, best first."""
    queued = {str(row[0]) for row in connection.rows("SELECT DISTINCT lane FROM jobs WHERE state = 'queued'")}
    # One query per device uses the index, and skips thousands of jobs that wait for a busy device.
    sql = f"""
        SELECT * FROM jobs WHERE number IN (
            SELECT number FROM jobs
            WHERE state = 'queued' AND lane = ? AND (not_before IS NULL OR not_before <= ?)
            ORDER BY {_QUEUE_ORDER} LIMIT ?
        )
    """  # noqa: S608
    wanted = queued if lanes is None else queued.intersection(lanes)
    jobs = [job_from_row(row) for lane in sorted(wanted) for row in connection.rows(sql, lane, now, limit)]
    return sorted(jobs, key=lambda job: (-job.priority, job.position, job.number))[:limit]


def with_chunks(connection: JournalConnection, states: Collection[JobState]) -> list[JobRecord]:
    """Jobs in these states that have finished chunks."""
    sql = f"SELECT * FROM jobs WHERE state IN ({_marks(states)}) AND frames_done > 0 ORDER BY number"  # noqa: S608
    return [job_from_row(row) for row in connection.rows(sql, *(state.value for state in states))]


def unfinished_for(connection: JournalConnection, output: str) -> list[JobRecord]:
    """Unfinished jobs with this output path or pattern."""
    # SQLite decodes both sides, so invalid Unicode compares equal.
    sql = f"""
        SELECT * FROM jobs WHERE json_extract(request, '$.output') = json_extract(?, '$')
        AND state IN ({_marks(UNFINISHED)}) ORDER BY number
    """  # noqa: S608
    rows = connection.rows(sql, to_text(output), *(state.value for state in UNFINISHED))
    return [job_from_row(row) for row in rows]


def restorations(
    connection: JournalConnection, matches: Callable[[str], bool], part: str, limit: int
) -> list[JobRecord]:
    """Restorations whose input matches, the latest first. part: text that the input has; "" leaves that open."""
    escaped = to_text(part)[1:-1]  # as in the column
    sql = "SELECT * FROM jobs WHERE kind = 'restore' AND (? = '' OR instr(request, ?)) ORDER BY number DESC"
    found: list[JobRecord] = []
    for row in connection.rows(sql, escaped, escaped):
        job = job_from_row(row)
        if matches(job.input):
            found.append(job)
        if len(found) == limit:
            break
    return found


def expired(
    connection: JournalConnection, now: float, up_seconds: float, age: float | None, keep: int | None, limit: int
) -> list[JobRecord]:
    """Ended jobs older than `age`, or not among the latest `keep`; the oldest first. Never undelivered ones."""
    rows = connection.rows(
        "SELECT number, ended, state, frames_done FROM jobs WHERE settled IS NOT NULL ORDER BY settled DESC"
    )
    old: list[int] = []
    later, elapsed = now, 0.0
    for place, row in enumerate(rows):
        ended = later if row["ended"] is None else row["ended"]
        step = max(0.0, later - ended)
        # The time since the latest end depends on one reading of the clock: count no more than the uptime.
        elapsed += min(step, _DAY_SECONDS, up_seconds) if place == 0 else min(step, _DAY_SECONDS)
        later = ended
        delivered = row["state"] != JobState.FAILED.value or not row["frames_done"]
        if delivered and ((age is not None and elapsed > age) or (keep is not None and place >= keep)):
            old.append(row["number"])
    oldest = old[::-1][:limit]
    return [job_from_row(row) for each in oldest for row in connection.rows(_BY_NUMBER, each)]


_BY_NUMBER = "SELECT * FROM jobs WHERE number = ?"
_DAY_SECONDS = 86400.0


def _marks(values: Collection[object]) -> str:
    return ", ".join("?" * len(values))
