"""Stay until jobs are done, and put each clip back when it is; Resolve is attached only for the moment of that."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager

from ...rpc.client import Client
from ..api import Resolve
from ..errors import HangingError, NoResolveError
from ..putting import Outcome
from ..putting.ledger import Ledger
from .finish import Finished, put_finished, why_failed
from .units import Unit, units_of

__all__ = ["follow"]

_LOOK_SECONDS = 2.0
_AWAY_SECONDS = 30.0
"""Between two looks for a Resolve that is away: it may be started again, and then the clips go back."""

Attach = Callable[[], AbstractContextManager[Resolve]]


def follow(
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
        units = [unit for unit in units_of(client, project) if not only or unit.is_one_of(only)]
        ready = {unit.id for unit in units if unit.done and unit.id not in told}
        if ready:
            asked = clock()
            for outcome in _put(client, project, ready, attach):
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


def _put(client: Client, project: str, ready: Collection[str], attach: Attach) -> list[Outcome]:
    """None where Resolve is away, or shows another project."""
    try:
        with attach() as resolve:
            if resolve.project().id() != project:
                return []
            return put_finished(resolve, client, Ledger(), ready).outcomes
    except (NoResolveError, HangingError):
        return []


def _ended(units: list[Unit], told: Collection[str], result: Finished) -> Finished:
    for unit in units:
        if unit.failed is not None:
            result.failed.append((unit.failed, why_failed(unit.failed)))
        elif unit.id not in told:
            result.waiting.append(unit)
    return result
