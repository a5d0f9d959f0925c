"""Time per stage; stages may nest, and each counts only its own time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["Stopwatch"]


class Stopwatch:
    """Seconds by stage name.

    `settle` is called at each stage boundary, so that queued device work is counted in the stage that queued it.
    """

    def __init__(
        self, settle: Callable[[], None] | None = None, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self.seconds: dict[str, float] = {}
        self._settle = settle or (lambda: None)
        self._clock = clock
        self._inner: list[float] = []

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time spent in the block, without that of nested stages, to `name`."""
        self._settle()
        started = self._clock()
        self._inner.append(0.0)
        try:
            yield
        finally:
            self._settle()
            took = self._clock() - started
            self.seconds[name] = self.seconds.get(name, 0.0) + took - self._inner.pop()
            if self._inner:
                self._inner[-1] += took
