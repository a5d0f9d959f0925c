"""Pairs asked for: the same bits from the cache and without it, in either direction."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from answerprint.flow.cache import FlowCache
from answerprint.flow.estimator import FlowEstimator
from answerprint.flow.opencv import DisEstimator, FarnebackEstimator
from answerprint.flow.prepare import prepare
from answerprint.flow.source import FlowSource
from flow.scenes import Motion, ShiftEstimator, fed, same_bits

CAPACITY = 10**8


def test_a_hit_has_the_bits_of_the_miss_and_of_no_cache(tmp_path: Path) -> None:
    before, after = (prepare(p) for p in Motion(3.3, -1.7).frames(96, 128))
    fresh = FlowSource(DisEstimator(), FlowCache(tmp_path, CAPACITY))
    miss = fresh.between(before, after)
    again = FlowSource(DisEstimator(), FlowCache(tmp_path, CAPACITY))
    hit = again.between(before, after)
    assert (fresh.hits, fresh.misses, again.hits, again.misses) == (0, 1, 1, 0)
    assert same_bits(miss, hit)
    assert same_bits(miss, FlowSource(DisEstimator()).between(before, after))


def test_the_flow_is_in_cells_of_a_grid_of_a_quarter_and_points_forward() -> None:
    before, after = (prepare(p) for p in Motion(right_px=3.0, down_px=-1.5).frames(96, 160))
    assert before.luma.shape == (384, 640)
    pair = FlowSource(DisEstimator()).between(before, after)
    assert pair.forward.shape == (96, 160, 2)
    assert np.median(pair.forward, (0, 1)) == pytest.approx([3.0, -1.5], abs=0.1)
    assert np.median(pair.backward, (0, 1)) == pytest.approx([-3.0, 1.5], abs=0.1)


@pytest.mark.parametrize("seeds", [(0, 1), (1, 0), (3, 4), (5, 2)])
def test_asking_the_other_way_round_hits_the_same_entry(tmp_path: Path, seeds: tuple[int, int]) -> None:
    a, b = (fed(seed) for seed in seeds)
    cache = FlowCache(tmp_path, CAPACITY)
    source = FlowSource(ShiftEstimator(), cache)
    there, back = source.between(a, b), source.between(b, a)
    assert (source.hits, source.misses, cache.info().entries) == (1, 1, 1)
    assert same_bits(there, back.swapped)
    assert same_bits(back, FlowSource(ShiftEstimator()).between(b, a))


def test_other_estimators_versions_parameters_and_pictures_never_share_an_entry(tmp_path: Path) -> None:
    cache = FlowCache(tmp_path, CAPACITY)
    a, b, c = fed(0), fed(1), fed(2)
    estimators: list[FlowEstimator] = [
        ShiftEstimator(),
        ShiftEstimator(name="other"),
        ShiftEstimator(version="2"),
        ShiftEstimator(bias=1.0),
        ShiftEstimator(bias=2.0),
        ShiftEstimator(other=1.0),
        DisEstimator(),
        DisEstimator("fast"),
        DisEstimator("medium", None),
        FarnebackEstimator(),
        FarnebackEstimator(levels=4),
    ]
    for estimator in estimators:
        source = FlowSource(estimator, cache)
        source.between(a, b)
        source.between(a, c)
        assert (source.hits, source.misses) == (0, 2)
    assert cache.info().entries == 2 * len(estimators)


def test_time_is_counted_only_where_a_pair_is_estimated(tmp_path: Path) -> None:
    ticks = iter(range(1000))
    source = FlowSource(ShiftEstimator(), FlowCache(tmp_path, CAPACITY), clock=lambda: float(next(ticks)))
    source.between(fed(0), fed(1))
    assert source.seconds == 1.0
    source.between(fed(0), fed(1))
    assert source.seconds == 1.0


def test_pictures_of_two_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="one size"):
        FlowSource(ShiftEstimator()).between(fed(0), fed(0, width=368))
