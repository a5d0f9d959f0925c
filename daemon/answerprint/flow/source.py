"""Flow between two pictures: from the cache, or estimated."""

from __future__ import annotations

import time
from collections.abc import Callable

from answerprint.flow.cache import FlowCache, cache_key
from answerprint.flow.consistency import resize_flow
from answerprint.flow.estimator import FlowEstimator
from answerprint.flow.pair import Flow, FlowPair, grid_size
from answerprint.flow.prepare import FlowPicture
from answerprint.flow.still import hold_still

__all__ = ["FlowSource"]


class FlowSource:
    """Provides flow pairs, and counts their cost.

    A pair has the same bits whether it comes from the cache or not, and whichever direction is requested first. It
    holds no lease: the caller does (`FlowCache.lease`). For one thread; processes may share a cache.
    """

    def __init__(
        self,
        estimator: FlowEstimator,
        cache: FlowCache | None = None,
        *,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._estimator = estimator
        self._cache = cache
        self._clock = clock
        self.hits = 0
        """Pairs taken from the cache."""
        self.misses = 0
        """Pairs estimated."""
        self.seconds = 0.0
        """Time spent estimating."""

    def between(self, a: FlowPicture, b: FlowPicture) -> FlowPair:
        """`forward` from `a` to `b` on a's grid and `backward` from `b` to `a` on b's, on `pair.grid_size` cells.

        Raises:
            ValueError: the pictures differ in size.
        """
        if a.luma.shape != b.luma.shape:
            raise ValueError(f"flow needs two pictures of one size, not {a.luma.shape} and {b.luma.shape}")
        # One entry serves both directions: it is stored in the order of the hashes.
        if a.content_hash > b.content_hash:
            return self._ordered(b, a).swapped
        return self._ordered(a, b)

    def _ordered(self, a: FlowPicture, b: FlowPicture) -> FlowPair:
        key = ""
        if self._cache is not None:
            key = cache_key(self._estimator, a.content_hash, b.content_hash)
            found = self._cache.get(key)
            if found is not None:
                self.hits += 1
                return found
        started = self._clock()
        pair = FlowPair(self._estimate(a, b), self._estimate(b, a))
        self.seconds += self._clock() - started
        self.misses += 1
        if self._cache is not None:
            self._cache.put(key, pair)
        return pair

    def _estimate(self, source: FlowPicture, target: FlowPicture) -> Flow:
        height, width = source.luma.shape
        flow = hold_still(source.luma, target.luma, self._estimator.estimate(source.luma, target.luma))
        return resize_flow(flow, *grid_size(width, height))
