"""Download speed."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

__all__ = ["Meter"]


class Meter:
    """Speed over the last seconds, so that a pause or a fast start has no lasting effect."""

    def __init__(self, window_seconds: float = 10.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._window, self._clock = window_seconds, clock
        self._seen: deque[tuple[float, int]] = deque()

    def take(self, done_bytes: int) -> float:
        """Record the bytes present; returns bytes per second, 0 while unknown."""
        now = self._clock()
        if self._seen and done_bytes < self._seen[-1][1]:  # a file started over
            self._seen.clear()
        self._seen.append((now, done_bytes))
        while now - self._seen[0][0] > self._window and len(self._seen) > 2:
            self._seen.popleft()
        seconds = now - self._seen[0][0]
        return (done_bytes - self._seen[0][1]) / seconds if seconds > 0 else 0.0
