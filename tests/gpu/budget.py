"""A time that several pieces of work share, so that the last of them gets its part too."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["Budget"]


class Budget:
    """Seconds for all work that was announced; what a piece does not use goes to those that follow."""

    def __init__(self, seconds: float, weights: float, clock: Callable[[], float] = time.monotonic) -> None:
        """`weights`: the sum of those of all pieces."""
        self._clock = clock
        self._began = clock()
        self._seconds, self._weights = seconds, weights

    @property
    def spent(self) -> float:
        """Seconds since the beginning."""
        return self._clock() - self._began

    @property
    def left(self) -> float:
        """Seconds that are left, below 0 when there are none."""
        return self._seconds - self.spent

    def share(self, weight: float) -> float:
        """Seconds for the next piece, of that weight; those after it share what it leaves."""
        part = max(0.0, self.left) * weight / self._weights if self._weights > 0 else 0.0
        self._weights -= weight
        return part
