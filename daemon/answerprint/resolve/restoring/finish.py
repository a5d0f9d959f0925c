"""Finished jobs of a project go back into it, each exactly once, whoever submitted them and whenever."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass, field

from ...errors import AnswerprintError
from ...rpc.client import Client
from ...store.records import JobRecord
from ..api import Resolve
from ..putting import Outcome, put_back
from ..putting.ledger import Ledger
from ..putting.outcome import Steps
from .retrim import join_whole
from .units import Unit, units_of

__all__ = ["Finished", "put_finished", "put_unit", "why_failed"]

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
    for unit in units_of(client, resolve.project().id()):
        if only and not unit.is_one_of(only):
            continue
        if unit.done:
            result.outcomes.append(put_unit(resolve, unit, ledger, again=again))
        elif unit.failed is not None:
            result.failed.append((unit.failed, why_failed(unit.failed)))
        else:
            result.waiting.append(unit)
    return result


def put_unit(resolve: Resolve, unit: Unit, ledger: Ledger, *, again: bool = False) -> Outcome:
    """Put one clip back. Raises ResolveError where nothing more can be asked of Resolve."""
    steps = Steps()
    try:
        if unit.whole is not None:
            join_whole(unit.whole)
        if "%" not in unit.path and not os.path.lexists(unit.path):
            text = f"{unit.path} is not there any more. Restore the clip again, or put the file back to its place."
            return Outcome.failure(unit.id, unit.path, unit.place.mode, text)
        origin = {"source": unit.jobs[0].input, "model": str(unit.jobs[0].request.get("model", ""))}
        return put_back(resolve, unit.place, unit.id, unit.path, ledger, again=again, origin=origin, steps=steps)
    except AnswerprintError as error:
        if error.code in _GONE:
            raise
        return Outcome.failure(unit.id, unit.path, unit.place.mode, str(error), tuple(steps.taken))


def why_failed(job: JobRecord) -> str:
    """In a sentence."""
    return str((job.problem or {}).get("message") or f"It was {job.state.value}.")
