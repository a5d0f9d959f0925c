"""Finished jobs of a project go back into it, each exactly once, whoever submitted them and whenever.

Stay until jobs are done, and put each clip back when it is; Resolve is attached only for the moment of that.
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
"""Errors after which nothing more can be asked of Resolve."""


@dataclass(slots=True)
class Finished:
    """What came of all clips of a project. failed: jobs with their reason. waiting: clips that are not done yet."""

    outcomes: list[Outcome] = field(default_factory=list)
    failed: list[tuple[JobRecord, str]] = field(default_factory=list)
    waiting: list[ClipJobs] = field(default_factory=list)


def put_finished(
    resolve: Resolve, client: Client, ledger: Ledger, only: Collection[str] = (), *, again: bool = False
) -> Finished:
    """Put back what is done and is not back yet. only: of these jobs, by their full ids; () for all of the project.

    again: also what a person took out since. One clip that cannot be put back does not keep the others from it.
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
    """Put clips back together. Raises ResolveError where nothing more can be asked of Resolve."""
    # Parts are joined first: it takes as long as it takes, and meanwhile Resolve is its user's.
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
            # Of what was put back by then nobody knows whether it is there; the next time it is found, or put back.
            for unit in ready:
                before = outcomes.get(unit.id)
                if before is None or before.state in ("put", "already"):
                    outcomes[unit.id] = _failure(unit, str(error), before.steps if before is not None else ())
        else:
            outcomes = {id_: together.final(outcome) for id_, outcome in outcomes.items()}
    return [outcomes[unit.id] for unit in units]


def _unready(client: Client, unit: ClipJobs) -> Outcome | None:
    """Why its file cannot be put back; None where it can."""
    try:
        if unit.whole is not None:
            join_whole(client, unit.whole)
    except AnswerprintError as error:
        return _failure(unit, str(error))
    if "%" in unit.path or os.path.lexists(unit.path):
        return None
    text = f"{unit.path} is not there any more. Restore the clip again, or put the file back to its place."
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
    """In a sentence, and one more for the remedy where there is one."""
    problem = job.problem or {}
    said = (str(problem.get(each) or "") for each in ("message", "remedy"))
    return " ".join(filter(None, said)) or f"It was {job.state.value}."


_LOOK_SECONDS = 2.0
_AWAY_SECONDS = 30.0
"""Between two looks for a Resolve that is away: it may be started again, and then the clips go back."""

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
    """None where Resolve is away, or shows another project."""
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
