"""A job's turn on a device, and requests to stop or yield, which may come before the work begins."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from answerprint.api.job import JobRecord

__all__ = ["Turn"]

Send = Callable[[Mapping[str, object]], None]


class Turn:
    """A running job. A request that comes before a child has the job keeps it from starting."""

    def __init__(self, job: JobRecord) -> None:
        """job: as it was when the turn began."""
        self.job = job
        self.stop_requested = False
        self.yield_requested = False
        self.task: asyncio.Task[None] | None = None
        """The task that runs it."""
        self._send: Send | None = None

    @property
    def ending(self) -> bool:
        """Whether it was asked to stop or yield."""
        return self.stop_requested or self.yield_requested

    def stop(self) -> None:
        """End the turn at the next step; the running chunk is abandoned."""
        self._request({"type": "stop"})
        self.stop_requested = True

    def request_yield(self) -> None:
        """End the turn after the running chunk. Idempotent."""
        if not self.yield_requested:
            self._request({"type": "yield"})
        self.yield_requested = True

    @contextmanager
    def forward_to(self, send: Send) -> Iterator[None]:
        """Send requests to a child during the block. Send it the job there before awaiting anything."""
        self._send = send
        try:
            yield
        finally:
            self._send = None

    def _request(self, message: Mapping[str, object]) -> None:
        if self._send is not None:
            self._send(message)
