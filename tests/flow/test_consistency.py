"""Round trip, confidence and occlusion against scenes whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerprint.flow.consistency import (
    confidence,
    destination,
    is_inside,
    occlusion,
    resize_flow,
    round_trip_error,
    sample,
)
from answerprint.flow.opencv import DisEstimator
from answerprint.flow.prepare import prepare
from answerprint.flow.source import FlowSource
from flow.scenes import Array, Motion, texture


def constant(height: int, width: int, x: float, y: float) -> Array:
    flow = np.empty((height, width, 2), np.float32)
    flow[..., 0], flow[..., 1] = x, y
    return flow


@given(st.floats(-3, 20), st.floats(-3, 20))
def test_sampling_a_plane_gives_the_plane_and_its_border_outside(x: float, y: float) -> None:
    rows, columns = np.mgrid[0:9, 0:12].astype(np.float32)
    plane = 2.0 * columns - 3.0 * rows + 1.0
    xy = np.array([[[x, y]]], np.float32)
    expected = 2.0 * np.clip(xy[0, 0, 0], 0, 11) - 3.0 * np.clip(xy[0, 0, 1], 0, 8) + 1.0
    assert sample(plane, xy)[0, 0] == pytest.approx(expected, abs=1e-4)
    assert sample(np.stack([plane, -plane], -1), xy)[0, 0] == pytest.approx([expected, -expected], abs=1e-4)


def test_sampling_nowhere_is_finite() -> None:
    xy = np.array([[[np.nan, 0.0], [np.inf, -np.inf], [1e30, -1e30]]], np.float32)
    assert np.isfinite(sample(np.ones((4, 5), np.float32), xy)).all()
    assert np.isfinite(sample(np.ones((1, 1), np.float32), xy)).all()
    assert not is_inside(xy, 5, 4).any()


def test_warping_the_second_frame_by_the_true_flow_gives_the_first() -> None:
    motion = Motion(right_px=5.5, down_px=2.25, degrees=1.0)
    before, after = motion.frames(120, 160)
    flow = motion.flow(120, 160)
    seen = is_inside(destination(flow), 160, 120)
    assert np.abs(sample(after, destination(flow)) - before)[seen].mean() < 0.01


def test_the_backward_flow_is_read_where_the_forward_flow_points() -> None:
    """Eq. 5 as printed adds both flows at X: under a rotation that is wrong, the nested form is zero."""
    motion, back = Motion(degrees=10.0), Motion(degrees=-10.0)
    f_ab, f_ba = motion.flow(60, 60), back.flow(60, 60)
    seen = is_inside(destination(f_ab), 60, 60)
    assert round_trip_error(f_ab, f_ba)[seen].max() < 0.3  # the corners' border cells
    assert round_trip_error(f_ab, f_ba)[10:-10, 10:-10].max() < 1e-3
    assert np.hypot(*np.moveaxis(f_ab + f_ba, -1, 0)).max() > 1.0


def test_confidence_is_one_on_a_perfect_round_trip_and_falls_with_the_square() -> None:
    f_ab, f_ba = constant(8, 8, 1.0, 0.0), constant(8, 8, -1.0, 0.5)
    assert confidence(f_ab, -f_ab).tolist() == np.ones((8, 8)).tolist()
    assert confidence(f_ab, f_ba) == pytest.approx(np.exp(-0.25))
    assert confidence(f_ab, f_ba, unit=4.0) == pytest.approx(np.exp(-4.0))


def test_occlusion_follows_the_unflow_rule_in_pixels() -> None:
    f_ab = constant(8, 8, 0.0, 0.0)
    assert occlusion(f_ab, constant(8, 8, 0.5, 0.0)).all()
    assert not occlusion(f_ab, constant(8, 8, 0.51, 0.0)).any()
    assert not occlusion(f_ab, constant(8, 8, 0.2, 0.0), unit=4.0).any()


def test_a_point_whose_target_leaves_the_picture_is_not_valid() -> None:
    V = occlusion(constant(10, 20, 4.0, 0.0), constant(10, 20, -4.0, 0.0))
    assert V[:, :16].all()
    assert not V[:, 16:].any()
    V = occlusion(constant(10, 20, 0.0, -3.0), constant(10, 20, 0.0, 3.0))
    assert not V[:3].any()
    assert V[3:].all()


def test_a_still_picture_is_wholly_valid() -> None:
    still = constant(10, 20, 0.0, 0.0)
    assert occlusion(still, still).all()
    # Half a cell beyond the border cells' centres is still picture.
    assert occlusion(constant(10, 20, 0.3, -0.3), constant(10, 20, -0.3, 0.3)).all()


SHIFT = 24
SQUARE = np.s_[60:180, 120:240]
SQUARE_AFTER = np.s_[60:180, 120 + SHIFT : 240 + SHIFT]
HIDDEN = np.s_[60:180, 240 : 240 + SHIFT]


def overlap(hidden: Array, truth: Array) -> float:
    """Intersection over union."""
    return float(((hidden > 0) & (truth > 0)).sum() / ((hidden > 0) | (truth > 0)).sum())


def test_with_true_flow_an_occluder_hides_exactly_what_it_moves_onto() -> None:
    f_ab, f_ba = constant(240, 360, 0.0, 0.0), constant(240, 360, 0.0, 0.0)
    f_ab[(*SQUARE, 0)] = SHIFT
    f_ba[(*SQUARE_AFTER, 0)] = -SHIFT
    truth = np.zeros((240, 360), np.float32)
    truth[HIDDEN] = 1.0
    assert overlap(1 - occlusion(f_ab, f_ba), truth) == 1.0
    # What was hidden before is what is uncovered after.
    uncovered = np.zeros_like(truth)
    uncovered[60:180, 120 : 120 + SHIFT] = 1.0
    assert overlap(1 - occlusion(f_ba, f_ab), uncovered) == 1.0


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_with_estimated_flow_what_is_hidden_is_never_trusted(seed: int) -> None:
    """DIS matches patches: it also loses a ring around the object, which costs a little but does not ghost."""
    background, square = texture(240, 360), texture(120, 120, seed=seed)
    before, after = background.copy(), background.copy()
    before[SQUARE] = square
    after[SQUARE_AFTER] = square
    source = FlowSource(DisEstimator())
    pair = source.between(prepare(before), prepare(after))
    truth = np.zeros((240, 360), np.float32)
    truth[HIDDEN] = 1.0
    V = occlusion(pair.forward, pair.backward, unit=2.0)
    hidden = np.kron(1 - V, np.ones((2, 2), np.float32))
    assert hidden[truth == 1].mean() > 0.95
    assert hidden[truth == 0].mean() < 0.08
    assert overlap(hidden, truth) > 0.3


def test_resizing_a_flow_rescales_its_values() -> None:
    flow = constant(40, 60, 6.0, -4.0)
    assert resize_flow(flow, 15, 20) == pytest.approx(constant(20, 15, 1.5, -2.0))
    assert resize_flow(flow, 120, 80) == pytest.approx(constant(80, 120, 12.0, -8.0))
    assert resize_flow(flow, 60, 40) is flow


@pytest.mark.parametrize("size", [(41, 17), (37, 25), (160, 68)])
def test_a_resized_flow_still_points_at_the_same_places(size: tuple[int, int]) -> None:
    motion = Motion(right_px=3.0, zoom=1.05)
    small = resize_flow(motion.flow(100, 163), *size)
    there = resize_flow(small, 163, 100)
    assert np.abs(there - motion.flow(100, 163))[8:-8, 8:-8].max() < 0.05
