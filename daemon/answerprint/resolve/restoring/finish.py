"""Finished jobs of a project go back into it, each exactly once, whoever submitted them and whenever."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from ...errors import AnswerprintError
from ...rpc.client import Client
from ...store.records import JobRecord
from ..api import Resolve
from ..putting import Outcome, Session, session
from ..putting.ledger import Ledger
from ..putting.outcome import Step, Steps
from .retrim import join_whole
from .submit import HIDE
from .units import Unit, units_of

__all__ = ["Finished", "put_finished", "put_units", "why_failed"]

_GONE = ("no_resolve", "resolve_hangs")
"""Errors after which nothing more can be asked of Resolve."""


@dataclass(slots=True)
class Finished:
    """What came of all clips of a project. failed: jobs with their reason. waiting: clips that are not done yet."""

    outcomes: list[Outcome] = field(default_factory=list)
    failed: list[tuple[JobRecord, str]] = field(default_factory=list)
    waiting: list[Unit] = field(default_factory=list)


def put_finished(
    resolve: Resolve, client: Client, ledger: Ledger, only: Collection[str] = (), *, again: bool = False
) -> Finished:
    """Put back what is done and is not back yet. only: of these jobs, by their full ids; () for all of the project.

    again: also what a person took out since. One clip that cannot be put back does not keep the others from it.
    """
    result = Finished()
    done: list[Unit] = []
    for unit in units_of(client, resolve.project().id()):
        if only and not unit.is_one_of(only):
            continue
        if unit.done:
            done.append(unit)
        elif unit.failed is not None:
            result.failed.append((unit.failed, why_failed(unit.failed)))
        else:
            result.waiting.append(unit)
    result.outcomes = put_units(resolve, done, ledger, again=again)
    return result


def put_units(resolve: Resolve, units: Sequence[Unit], ledger: Ledger, *, again: bool = False) -> list[Outcome]:
    """Put clips back together. Raises ResolveError where nothing more can be asked of Resolve."""
    # Parts are joined first: it takes as long as it takes, and meanwhile Resolve is its user's.
    outcomes = {unit.id: failure for unit in units if (failure := _unready(unit)) is not None}
    ready = [unit for unit in units if unit.id not in outcomes]
    if ready:
        try:
            with session(resolve, ledger) as together:
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
            outcomes = {id_: together.ended(outcome) for id_, outcome in outcomes.items()}
    return [outcomes[unit.id] for unit in units]


def _unready(unit: Unit) -> Outcome | None:
    """Why its file cannot be put back; None where it can."""
    try:
        if unit.whole is not None:
            join_whole(unit.whole)
    except AnswerprintError as error:
        return _failure(unit, str(error))
    if "%" in unit.path or os.path.lexists(unit.path):
        return None
    text = f"{unit.path} is not there any more. Restore the clip again, or put the file back to its place."
    return _failure(unit, text)


def _put(together: Session, unit: Unit, *, again: bool) -> Outcome:
    steps = Steps()
    origin = {"source": unit.jobs[0].input, "model": str(unit.jobs[0].request.get("model", ""))}
    hide = (unit.jobs[0].clip.get("editor") or {}).get(HIDE) == "yes"
    try:
        return together.put(
            unit.place, unit.id, unit.path, again=again, hide_original=hide, origin=origin, steps=steps, of=unit.of
        )
    except AnswerprintError as error:
        if error.code in _GONE:
            raise
        together.check()
        return _failure(unit, str(error), tuple(steps.taken))


def _failure(unit: Unit, text: str, steps: tuple[Step, ...] = ()) -> Outcome:
    return Outcome.failure(unit.id, unit.path, unit.place.mode, text, steps)


def why_failed(job: JobRecord) -> str:
    """In a sentence, and one more for the remedy where there is one."""
    problem = job.problem or {}
    said = (str(problem.get(each) or "") for each in ("message", "remedy"))
    return " ".join(filter(None, said)) or f"It was {job.state.value}."
