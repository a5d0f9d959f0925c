"""The order of jobs that one client submits as a list, in whatever order its calls arrive."""

from __future__ import annotations

import asyncio

from answerprint.api.types import BusyError

__all__ = ["SubmitOrder"]

_SECONDS = 3.5
"""How long a job waits for the one before it: longer than that one may be probed, shorter than a client waits."""
_MOST_KEPT = 10_000


class SubmitOrder:
    """Remembers which of the latest jobs were queued or refused, and lets the next of a list wait for it."""

    def __init__(self) -> None:
        self._settled: dict[str, asyncio.Event] = {}

    async def follow(self, job: str) -> None:
        """Wait until this job was settled. Raises BusyError if it was not in time: it may never have arrived."""
        try:
            async with asyncio.timeout(_SECONDS):
                await self._event(job).wait()
        except TimeoutError as error:
            raise BusyError(
                "The job before this one in its list did not arrive.", "Submit that one first, then this one alone."
            ) from error

    def settle(self, job: str) -> None:
        """Say that a job was queued or refused: the next one may be queued."""
        self._event(job).set()

    def _event(self, job: str) -> asyncio.Event:
        event = self._settled.pop(job, None) or asyncio.Event()
        self._settled[job] = event  # as the latest
        if len(self._settled) > _MOST_KEPT:
            del self._settled[next(iter(self._settled))]
        return event
