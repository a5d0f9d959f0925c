"""Journals damaged at random, made again, and compared with what is still in their bytes.

The truth is what the damaged files hold: a job whose whole row is there byte by byte must come back as it was.
"""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from answerprint.store.journal import Journal
from answerprint.store.rebuild import rebuild
from fault.measure_jobs import Figure
from store.builders import job

__all__ = ["KINDS", "Damages", "damage_many", "fill_journal", "measure_journals", "rebuild_seconds"]

PAGE = 4096
_BEFORE_ID = 34
"""Bytes of a row before its id: the header of its record, its length and its number."""


@dataclass(slots=True)
class Damages:
    """intact: jobs whose row was whole after the damage, of all tries together. lost: those of them not as before."""

    tries: int = 0
    intact: int = 0
    lost: list[str] = field(default_factory=list)
    raised: list[str] = field(default_factory=list)


def fill_journal(path: Path, jobs: int) -> dict[str, str]:
    """A journal of so many jobs; returns the label of each id."""
    labels: dict[str, str] = {}
    with Journal.open(path) as journal:
        for index in range(jobs):
            record, _ = journal.add(job(f"shot {index:05d}"), {"event": "state", "state": "queued"})
            labels[record.id] = record.label
    return labels


def _bit(data: bytearray, dice: random.Random) -> None:
    data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)


def _bytes(data: bytearray, dice: random.Random) -> None:
    place = dice.randrange(len(data) - 20)
    data[place : place + 20] = dice.randbytes(20)


def _page(data: bytearray, dice: random.Random) -> None:
    start = dice.randrange(len(data) // PAGE) * PAGE
    length = dice.choice((64, 512, PAGE))
    data[start : start + length] = dice.choice((b"\0", b"\xff", dice.randbytes(1))) * length


def _truncated(data: bytearray, dice: random.Random) -> None:
    del data[dice.randrange(1, len(data)) :]


KINDS: dict[str, Callable[[bytearray, random.Random], None]] = {
    "bit": _bit,
    "page": _page,
    "truncation": _truncated,
    "bytes": _bytes,
    "log": lambda data, dice: dice.choice((_bit, _bytes, _page, _truncated))(data, dice),
}
"""How a journal is damaged; "log" damages its write-ahead log, which the others do not have."""


def damage_many(folder: Path, kind: str, tries: int, seed: int, jobs: int = 120) -> Damages:
    """Damage copies of one journal, each at another place, and make each again."""
    dice = random.Random(f"{seed} {kind}")  # noqa: S311 - repeatable on purpose
    whole = folder / "whole"
    labels = fill_journal(whole / "journal.db", jobs // 2)
    if kind == "log":
        labels |= _left_behind(whole / "journal.db", folder / "left", jobs // 2)
        whole = folder / "left"
    rows = dict(_rows(whole, labels))
    assert len(rows) == len(labels)
    result = Damages()
    for index in range(tries):
        place = folder / f"{index}"
        shutil.copytree(whole, place)
        victim = place / ("journal.db-wal" if kind == "log" else "journal.db")
        data = bytearray(victim.read_bytes())
        KINDS[kind](data, dice)
        victim.write_bytes(data)
        _try(place, labels, rows, result, f"{kind} {index}")
        shutil.rmtree(place)
    return result


def _left_behind(path: Path, copy: Path, jobs: int) -> dict[str, str]:
    """More jobs, whose pages are in the log alone, as a killed daemon leaves them."""
    labels: dict[str, str] = {}
    with Journal.open(path) as journal:
        for index in range(jobs):
            record, _ = journal.add(job(f"late {index:05d}"), {"event": "state", "state": "queued"})
            labels[record.id] = record.label
        shutil.copytree(path.parent, copy)
    (copy / "journal.db-shm").unlink()
    return labels


def _rows(folder: Path, labels: dict[str, str]) -> Iterator[tuple[str, bytes]]:
    """The bytes of each job's row, by its id: SQLite keeps the columns one after the other."""
    for name in ("journal.db", "journal.db-wal"):
        data = (folder / name).read_bytes() if (folder / name).exists() else b""
        for job_id in labels:
            place = data.rfind(job_id.encode() + b"restorequeued")
            if place >= 0:
                stop = data.index(b"{}auto", place) + len(b"{}auto")
                yield job_id, data[place - _BEFORE_ID : stop]


def _try(folder: Path, labels: dict[str, str], rows: dict[str, bytes], result: Damages, what: str) -> None:
    left = b"".join(each.read_bytes() for each in sorted(folder.iterdir()))
    intact = [job_id for job_id, row in rows.items() if row in left]
    result.tries += 1
    result.intact += len(intact)
    try:
        rebuild(folder / "journal.db", folder / "scratch")
        with Journal.open(folder / "journal.db") as journal:
            found = {each.id: each.label for each in journal.page(limit=10 * len(labels))[0]}
            journal.add(job("after"), {"event": "state", "state": "queued"})
    except Exception as error:  # noqa: BLE001 - whatever it raises is what is looked for
        result.raised.append(f"{what}: {error!r}")
        return
    result.lost += [f"{what}: {labels[job_id]}" for job_id in intact if found.get(job_id) != labels[job_id]]


def rebuild_seconds(folder: Path, jobs: int) -> float:
    """How long a journal of so many jobs takes to be made again."""
    fill_journal(folder / "journal.db", jobs)
    begin = time.perf_counter()
    report = rebuild(folder / "journal.db", folder / "scratch")
    assert report.jobs_from_journal == jobs
    return time.perf_counter() - begin


def measure_journals(folder: Path) -> list[Figure]:
    """500 journals damaged at random, and the time that a large one takes."""
    many = [damage_many(folder / kind, kind, tries=100, seed=0) for kind in KINDS]
    tries, intact = (sum(getattr(each, name) for each in many) for name in ("tries", "intact"))
    about = f"{tries} damaged journals ({', '.join(KINDS)}), {intact} rows whole"
    return [
        Figure(f"{about}: jobs lost", float(sum(len(each.lost) for each in many)), "", 1),
        Figure(f"{about}: exceptions", float(sum(len(each.raised) for each in many)), "", 1),
        Figure("a journal of 10,000 jobs is made again", rebuild_seconds(folder / "large", 10_000), "s", 5),
    ]
