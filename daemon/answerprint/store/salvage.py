"""Recover jobs and their events from the readable pages of a damaged journal."""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from answerprint.api.job import JobRecord, JobState, is_job_id
from answerprint.errors import JournalError
from answerprint.store.tables.pages import Cell, Pages, read_pages
from answerprint.store.tables.rows import job_from_row

__all__ = ["Salvage", "SalvagedJob", "check_job", "salvage", "sane_number"]

# In the order of the file. New columns are added at the end; older rows have fewer.
_COLUMNS = (
    "number", "id", "kind", "state", "request", "priority", "position", "created", "started", "ended", "seconds",
    "frames_total", "frames_done", "fingerprint", "rung", "failures", "problem", "facts", "result", "last_sequence",
    "label", "clip", "lane", "not_before", "settled",
)  # fmt: skip
_LATER: Mapping[str, object] = {"label": '""', "clip": "{}", "lane": "auto", "not_before": None, "settled": None}
_FIRST_COLUMNS = len(_COLUMNS) - len(_LATER)
_STATES = b"|".join(state.value.encode() for state in JobState)
_START = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?=(?:restore|preview)(?:" + _STATES + rb"))")
_HIGHEST_NUMBER = 1 << 31
_TEXTS = ("id", "kind", "label", "lane", "fingerprint")
_WHOLE = ("number", "priority", "frames_total", "frames_done", "rung", "failures", "last_sequence")
_REAL = ("position", "created", "seconds")
_PERHAPS = ("not_before", "started", "ended")


@dataclass(frozen=True, slots=True)
class SalvagedJob:
    """A readable job. events: (wall clock, JSON) from the first on, without a gap."""

    job: JobRecord
    settled: int | None
    events: list[tuple[float, str]]


@dataclass(slots=True)
class Salvage:
    """unreadable: numbers, and ids if known, of jobs whose rows are invalid."""

    jobs: list[SalvagedJob] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)


def salvage(path: Path) -> Salvage:
    """All jobs that can be read from a journal and its log, in the order of their numbers. Raises OSError."""
    pages = read_pages(path)
    found: dict[str, tuple[JobRecord, int | None]] = {}
    broken: dict[int, str] = {}
    for rowid, values in itertools.chain(pages.rows(), pages.strays(_START)):
        if len(values) < _FIRST_COLUMNS or values[0] is not None:
            continue  # a row of another table
        try:
            job, settled = _job(rowid, values)
        except JournalError:
            broken.setdefault(rowid, _about(rowid, values))
            continue
        # Two pages may have the same job if half of a change to the tree was lost.
        if job.id not in found or job.last_sequence > found[job.id][0].last_sequence:
            found[job.id] = job, settled
    events = _events(pages)
    result = Salvage()
    taken: set[int] = set()
    for job, settled in sorted(found.values(), key=lambda each: each[0].number):
        kept = [] if job.number in taken else events.get(job.number, [])
        taken.add(job.number)
        result.jobs.append(SalvagedJob(job, settled, kept))
    # An invalid row may be an old copy of a valid one.
    result.unreadable = [about for rowid, about in sorted(broken.items()) if rowid not in taken]
    return result


def check_job(job: JobRecord) -> None:
    """Raise JournalError for a job with invalid values: SQLite stores any type in any column."""
    values = {name: getattr(job, name) for name in (*_TEXTS, *_WHOLE, *_REAL, *_PERHAPS)}
    proper = (
        all(isinstance(values[name], str) for name in _TEXTS)
        and all(type(values[name]) is int for name in _WHOLE)
        and all(_finite(values[name]) for name in _REAL)
        and all(values[name] is None or _finite(values[name]) for name in _PERHAPS)
        and all(isinstance(each, dict) for each in (job.request, job.facts, job.result, job.problem or {}))
        and is_job_id(job.id)
        and job.kind in ("restore", "preview")
        and min(job.number, job.frames_total, job.frames_done, job.last_sequence) >= 0
    )
    if not proper:
        raise JournalError("A job in the journal cannot be read.")


def _finite(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(float(str(value)))


def _job(rowid: int, values: tuple[object, ...]) -> tuple[JobRecord, int | None]:
    columns = {**_LATER, **dict(zip(_COLUMNS, values, strict=False)), "number": rowid}
    job = job_from_row(columns)
    check_job(job)
    settled = columns["settled"]
    return job, settled if type(settled) is int else None


def _about(rowid: int, values: tuple[object, ...]) -> str:
    known = dict(zip(_COLUMNS, values, strict=False))
    name = f"job {rowid}"
    if isinstance(known["id"], str) and is_job_id(known["id"]):
        name += f" ({known['id']})"
    return name


def _events(pages: Pages) -> dict[int, list[tuple[float, str]]]:
    """The events of each job, from the first one up to the first gap."""
    found: dict[int, dict[int, tuple[float, str]]] = {}
    for job, sequence, at, text in _event_rows(pages.entries(b'"event"')):
        found.setdefault(job, {}).setdefault(sequence, (at, text))
    kept: dict[int, list[tuple[float, str]]] = {}
    for job, rows in found.items():
        kept[job] = []
        while (event := rows.get(len(kept[job]) + 1)) is not None and _is_event(event[1]):
            kept[job].append(event)
    return kept


def _event_rows(cells: Iterator[Cell]) -> Iterator[tuple[int, int, float, str]]:
    for _, values in cells:
        match values:
            case (int(job), int(sequence), int() | float() as at, str(text)) if math.isfinite(at):
                yield job, sequence, float(at), text


def _is_event(text: str) -> bool:
    try:
        return isinstance(json.loads(text).get("event"), str)
    except (ValueError, AttributeError, RecursionError):
        return False


def sane_number(number: int) -> bool:
    """Whether a job number is plausible; a larger one would make all following numbers unreadable."""
    return 0 < number < _HIGHEST_NUMBER
