"""Puts finished jobs of a project back into it, each exactly once, whoever submitted them and whenever.

`follow_jobs` waits for jobs and puts each clip back when it is done; it attaches to Resolve only while it does so.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from answerprint.api.job import JobRecord
from answerprint.client.client import Client
from answerprint.errors import AnswerprintError
from answerprint.resolve.api import Resolve
from answerprint.resolve.errors import HangingError, NoResolveError
from answerprint.resolve.put_back import Outcome, PutBackSession, put_back_session
from answerprint.resolve.put_back.ledger import Ledger
from answerprint.resolve.put_back.outcome import Report, Step
from answerprint.resolve.restore.clip_jobs import ClipJobs, clip_jobs_of
from answerprint.resolve.restore.job import HIDE
from answerprint.resolve.restore.join import join_whole

__all__ = ["Finished", "follow_jobs", "put_clips", "put_finished", "why_failed"]

_GONE = ("no_resolve", "resolve_hangs")
"""Codes of errors after which Resolve cannot be called any more."""


@dataclass(slots=True)
class Finished:
    """The outcome of a project's clips. failed: jobs with the reason. waiting: clips that are not done yet."""

    outcomes: list[Outcome] = field(default_factory=list)
    failed: list[tuple[JobRecord, str]] = field(default_factory=list)
    waiting: list[ClipJobs] = field(default_factory=list)


def put_finished(
    resolve: Resolve, client: Client, ledger: Ledger, only: Collection[str] = (), *, again: bool = False
) -> Finished:
    """Put back what is done and not back yet. only: of these jobs, by their full ids; () for all of the project.

    again: also what the user removed since. A clip that fails does not stop the others.
    """
    result = Finished()
    done: list[ClipJobs] = []
    for unit in clip_jobs_of(client, resolve.project().id()):
        if only and not unit.is_one_of(only):
            continue
        if unit.done:
            done.append(unit)
        elif unit.failed is not None:
            result.failed.append((unit.failed, why_failed(unit.failed)))
        else:
            result.waiting.append(unit)
    result.outcomes = put_clips(resolve, client, done, ledger, again=again)
    return result


def put_clips(
    resolve: Resolve, client: Client, units: Sequence[ClipJobs], ledger: Ledger, *, again: bool = False
) -> list[Outcome]:
    """Put clips back in one session. Raises ResolveError if Resolve cannot be called any more."""
    # Parts are joined first: that may take long, and meanwhile the user works in Resolve.
    outcomes = {unit.id: failure for unit in units if (failure := _unready(client, unit)) is not None}
    ready = [unit for unit in units if unit.id not in outcomes]
    if ready:
        try:
            with put_back_session(resolve, ledger) as together:
                for unit in ready:
                    outcomes[unit.id] = _put(together, unit, again=again)
        except AnswerprintError as error:
            if error.code in _GONE:
                raise
            # Whether earlier clips of this session arrived is unknown; the next run finds them, or puts them back.
            for unit in ready:
                before = outcomes.get(unit.id)
                if before is None or before.state in ("put", "already"):
                    outcomes[unit.id] = _failure(unit, str(error), before.steps if before is not None else ())
        else:
            outcomes = {id_: together.final(outcome) for id_, outcome in outcomes.items()}
    return [outcomes[unit.id] for unit in units]


def _unready(client: Client, unit: ClipJobs) -> Outcome | None:
    """Why its file cannot be put back; None if it can."""
    try:
        if unit.whole is not None:
            join_whole(client, unit.whole)
    except AnswerprintError as error:
        return _failure(unit, str(error))
    if "%" in unit.path or os.path.lexists(unit.path):
        return None
    text = f"{unit.path} no longer exists. Restore the clip again, or move the file back."
    return _failure(unit, text)


def _put(together: PutBackSession, unit: ClipJobs, *, again: bool) -> Outcome:
    report = Report()
    origin = {"source": unit.jobs[0].input, "model": str(unit.jobs[0].request.get("model", ""))}
    hide = unit.jobs[0].clip.editor.get(HIDE) == "yes"
    try:
        return together.put(
            unit.place, unit.id, unit.path, again=again, hide_original=hide, origin=origin, report=report, of=unit.of
        )
    except AnswerprintError as error:
        if error.code in _GONE:
            raise
        together.check()
        return _failure(unit, str(error), tuple(report.steps))


def _failure(unit: ClipJobs, text: str, steps: tuple[Step, ...] = ()) -> Outcome:
    return Outcome.failure(unit.id, unit.path, unit.place.mode, text, steps)


def why_failed(job: JobRecord) -> str:
    """One sentence, and the remedy if there is one."""
    problem = job.problem or {}
    said = (str(problem.get(each) or "") for each in ("message", "remedy"))
    return " ".join(filter(None, said)) or f"It was {job.state.value}."


_LOOK_SECONDS = 2.0
_AWAY_SECONDS = 30.0
"""Between two tries to attach to a Resolve that is not running, or shows another project."""

Attach = Callable[[], AbstractContextManager[Resolve]]


def follow_jobs(
    client: Client,
    only: Collection[str],
    attach: Attach,
    on_outcome: Callable[[Outcome], None],
    *,
    on_away: Callable[[float], None] = lambda seconds: None,
    patience_seconds: float = 600.0,
    pause: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Finished:
    """Put clips back as they are done, until all of the project (or `only` those) have ended.

    A Resolve that was closed, answers nothing, or has another project open is waited for so long; what is not back then
    is named as waiting, and Bring Back Finished finds it. on_away: told when such a wait begins, and how long it may
    last in seconds. Raises NoResolveError when there is none to begin with, NoDaemonError.
    """
    with attach() as resolve:
        project = resolve.project().id()
    result = Finished()
    told: set[str] = set()
    away: float | None = None
    """Since when clips wait for Resolve."""
    while True:
        units = [unit for unit in clip_jobs_of(client, project) if not only or unit.is_one_of(only)]
        ready = {unit.id for unit in units if unit.done and unit.id not in told}
        if ready:
            asked = clock()
            for outcome in _put_follow(client, project, ready, attach):
                told.add(outcome.job)
                result.outcomes.append(outcome)
                on_outcome(outcome)
            if not ready - told:
                away = None
            elif away is None:
                away = asked
                on_away(patience_seconds)
        at_work = [unit for unit in units if not unit.done and unit.failed is None]
        if not at_work and (away is None or clock() - away > patience_seconds):
            return _ended(units, told, result)
        pause(_LOOK_SECONDS if away is None else _AWAY_SECONDS)


def _put_follow(client: Client, project: str, ready: Collection[str], attach: Attach) -> list[Outcome]:
    """Outcomes; none if Resolve is not running, or shows another project."""
    try:
        with attach() as resolve:
            if resolve.project().id() != project:
                return []
            return put_finished(resolve, client, Ledger(), ready).outcomes
    except (NoResolveError, HangingError):
        return []


def _ended(units: list[ClipJobs], told: Collection[str], result: Finished) -> Finished:
    for unit in units:
        if unit.failed is not None:
            result.failed.append((unit.failed, why_failed(unit.failed)))
        elif unit.id not in told:
            result.waiting.append(unit)
    return result
