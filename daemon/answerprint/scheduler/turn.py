"""A job's turn, and what is wished of it: heard in whatever order the wish comes and the work begins."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from answerprint.api.job import JobRecord

__all__ = ["Turn"]

Tell = Callable[[Mapping[str, object]], None]


class Turn:
    """A job at work. What is wished before a child has the job keeps the child from getting it."""

    def __init__(self, job: JobRecord) -> None:
        """job: as it was when its turn came."""
        self.job = job
        self.to_stop = False
        self.to_give_way = False
        self.task: asyncio.Task[None] | None = None
        """Who does it."""
        self._tell: Tell | None = None

    @property
    def unwanted(self) -> bool:
        """Whether nothing new is to begin in it."""
        return self.to_stop or self.to_give_way

    def stop(self) -> None:
        """End it at the next step; the running chunk is given up."""
        self._wish({"type": "stop"})
        self.to_stop = True

    def give_way(self) -> None:
        """End it at the next border of a chunk; again is no second wish."""
        if not self.to_give_way:
            self._wish({"type": "yield"})
        self.to_give_way = True

    @contextmanager
    def heard_by(self, tell: Tell) -> Iterator[None]:
        """Pass wishes on within the block. Give the child its job in there, before anything else is awaited."""
        self._tell = tell
        try:
            yield
        finally:
            self._tell = None

    def _wish(self, message: Mapping[str, object]) -> None:
        if self._tell is not None:
            self._tell(message)
