"""Promises of the merging ratio and of stages of the denoising process."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from answerprint.temporal.annealing import merge_ratio
from answerprint.temporal.options import stage_steps
from temporal.models import PLAIN

STEPS = st.integers(1, 60)
FRACTION = st.floats(0, 1)


@settings(deadline=None)
@given(STEPS, FRACTION, FRACTION)
def test_a_stage_never_rounds_to_no_step(steps: int, a: float, b: float) -> None:
    begin, end = sorted((a, b))
    stage = stage_steps((begin, end), steps)
    assert set(stage) <= set(range(steps))
    assert bool(stage) == (end > begin)


@settings(deadline=None)
@given(STEPS, st.integers(1, 60))
def test_stages_that_meet_share_no_step_where_each_has_room(steps: int, cut: int) -> None:
    border = min(cut, steps) / steps
    first, second = stage_steps((0.0, border), steps), stage_steps((border, 1.0), steps)
    assert sorted({*first, *second}) == list(range(steps))
    assert not set(first) & set(second)


@settings(deadline=None)
@given(st.integers(2, 60), FRACTION, FRACTION)
def test_ratio_falls_along_a_cosine_from_beginning_to_end(steps: int, r: float, r_end: float) -> None:
    options = replace(PLAIN, merge_ratio=r, merge_ratio_end=r_end)
    ratios = [merge_ratio(options, i, steps) for i in range(steps)]
    assert ratios[0] == pytest.approx(r)
    assert ratios[-1] == pytest.approx(r_end)
    expected = [r_end + (r - r_end) * math.cos(math.pi / 2 * i / (steps - 1)) for i in range(steps)]
    assert ratios == pytest.approx(expected)


@settings(deadline=None)
@given(st.integers(4, 60), st.floats(1, 8))
def test_ratio_stays_at_its_end_once_delta_has_brought_it_there(steps: int, delta: float) -> None:
    options = replace(PLAIN, merge_ratio=0.9, merge_ratio_end=0.2, merge_delta=delta)
    for i in range(steps):
        if delta * i / (steps - 1) >= 1:
            assert merge_ratio(options, i, steps) == pytest.approx(0.2)


def test_nothing_merges_outside_the_stage_or_when_switched_off() -> None:
    options = replace(PLAIN, merge_stage=(0.25, 0.5), merge_ratio_end=0.3)
    assert [merge_ratio(options, i, 8) > 0 for i in range(8)] == [False, False, True, True, False, False, False, False]
    assert merge_ratio(replace(PLAIN, merge=False), 0, 8) == 0
