"""How fast the journal answers with a long queue: `python tests/fault/measure_queue.py [JOBS]`."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from answerprint.api.clip_ref import ClipRef
from answerprint.api.job import JobRecord, JobState
from answerprint.api.request import RestoreRequest
from answerprint.ipc.messages import Message
from answerprint.store.journal import Journal
from answerprint.store.recovery import recover

__all__ = ["QueueFigures", "measure_queue"]

_QUEUED: Message = {"event": "state", "state": "queued"}
_TRIES = 20


@dataclass(frozen=True, slots=True)
class QueueFigures:
    """Slowest of several tries, in seconds; the first page has 100 jobs, as a client's has."""

    jobs: int
    submit: float
    first_page: float
    last_page: float
    find: float
    next_job: float
    cancel: float
    open_clean: float
    open_after_kill: float
    recover: float
    bytes: int


def measure_queue(folder: Path, jobs: int = 10_000) -> QueueFigures:
    """Fill a journal in folder, of which half has ended, and time what users wait for."""
    path, scratch = folder / "state" / "journal.db", folder / "scratch"
    journal = Journal.open(path)
    ids = [journal.add(_job(index), _QUEUED)[0].id for index in range(jobs)]
    for job in ids[: jobs // 2]:
        journal.change(job, when={JobState.QUEUED}, event=_QUEUED, state=JobState.DONE)
    waiting = iter(ids[jobs // 2 :])
    last = _last_token(journal)
    answers = {
        "submit": _slowest(lambda: journal.add(_job(0), _QUEUED)),
        "first_page": _slowest(journal.page),
        "last_page": _slowest(lambda: journal.page(token=last)),
        "find": _slowest(lambda: journal.find(ids[jobs // 2][:8])),
        "next_job": _slowest(lambda: (journal.ready(0.0, {"auto"}), journal.next_wakeup(0.0))),
        "cancel": _slowest(
            lambda: journal.change(next(waiting), when={JobState.QUEUED}, event=_QUEUED, state=JobState.CANCELLED)
        ),
    }
    killed = folder / "killed"
    shutil.copytree(path.parent, killed, ignore=shutil.ignore_patterns("*-shm"))
    journal.close()
    opened = _slowest(lambda: Journal.open(path).close(), 3)
    journal = Journal.open(path)
    return QueueFigures(
        jobs=jobs,
        open_clean=opened,
        open_after_kill=_slowest(lambda: Journal.open(killed / path.name), 1),
        recover=_slowest(lambda: recover(journal, scratch), 1),
        bytes=path.stat().st_size,
        **answers,
    )


def _job(index: int) -> JobRecord:
    request = RestoreRequest(
        ClipRef(f"/projects/feature/plates/shot_{index:05}.mov"), f"/projects/feature/out/{index:05}.mov"
    )
    return JobRecord(str(uuid.uuid4()), 0, "restore", f"shot {index}", JobState.QUEUED, request.to_json())


def _last_token(journal: Journal) -> str:
    token = following = ""
    while True:
        _, following, _ = journal.page(limit=500, token=token)
        if not following:
            return token
        token = following


def _slowest(work: Callable[[], object], tries: int = _TRIES) -> float:
    slowest = 0.0
    for _ in range(tries):
        began = time.perf_counter()
        work()
        slowest = max(slowest, time.perf_counter() - began)
    return slowest


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        figures = measure_queue(Path(place), *map(int, sys.argv[1:]))
    for name, value in asdict(figures).items():
        sys.stdout.write(f"{name:16} {value}\n" if isinstance(value, int) else f"{name:16} {value * 1000:8.1f} ms\n")
