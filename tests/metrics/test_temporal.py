"""Promises of the figures of a clip over time."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from answerprint.flow.pair import Flow
from answerprint.metrics import temporal as fig
from answerprint.metrics.motion import Grey, farneback_flow, grey, non_occluded, warp_picture
from answerprint.metrics.picture import detail_ratio
from metrics.scenes import Picture, blurred, flickering, pan, texture

STEP = (2.3, -1.2)
SIZE = (96, 128)


def known_pan(source: Grey, target: Grey) -> Flow:
    """Flow of `pan` between neighbouring frames, forwards."""
    return np.broadcast_to(np.array(STEP, np.float32), (*source.shape, 2)).copy()


@pytest.fixture(scope="module")
def truth() -> list[Picture]:
    return pan(5, *SIZE, STEP)


@pytest.fixture(scope="module")
def motion(truth: list[Picture]) -> fig.ReferenceMotion:
    return fig.ReferenceMotion(truth)


def test_flow_finds_a_known_pan_to_a_fifth_of_a_pixel(truth: list[Picture]) -> None:
    flow = farneback_flow(grey(truth[0]), grey(truth[1]))
    error = np.linalg.norm(flow - np.array(STEP), axis=-1)[8:-8, 8:-8]
    assert float(error.mean()) < 0.2


def test_a_panned_texture_has_almost_no_warping_error_and_flicker_has_much(
    truth: list[Picture], motion: fig.ReferenceMotion
) -> None:
    floor = motion.warping_error(truth)
    flicker = motion.warping_error(flickering(truth, 0.05))
    assert floor.pairs == 4
    assert floor.milli < 1.0
    # Noise of variance v in both frames adds v for frame t and less than v for the interpolated frame t + 1.
    assert 0.05**2 < flicker.value - floor.value < 2.2 * 0.05**2
    assert flicker.masked_fraction == floor.masked_fraction


def test_the_truth_is_the_floor_for_any_result_as_sharp_as_it(
    truth: list[Picture], motion: fig.ReferenceMotion
) -> None:
    floor = motion.warping_error(truth).value
    values = [motion.warping_error(flickering(truth, sigma)).value for sigma in (0.01, 0.02, 0.04)]
    assert floor < values[0] < values[1] < values[2]


def test_blur_wins_on_warping_error_and_the_detail_ratio_gives_it_away(
    truth: list[Picture], motion: fig.ReferenceMotion
) -> None:
    soft = blurred(truth, 2.0)
    assert motion.warping_error(soft).value < motion.warping_error(truth).value
    assert detail_ratio(soft[0], truth[0]) < 0.1


def test_a_clip_of_two_scenes_has_the_figures_of_its_scenes(truth: list[Picture]) -> None:
    scenes = [truth, pan(5, *SIZE, STEP, seed=7)]
    results = [flickering(scene, 0.03) for scene in scenes]
    apart = [fig.ReferenceMotion(scene) for scene in scenes]
    together = fig.ReferenceMotion(scenes[0] + scenes[1])
    both = results[0] + results[1]
    assert together.cuts == {5}
    warping = together.warping_error(both)
    assert warping.pairs == 4 + 4  # of nine: that of the cut is left out
    assert warping.value == pytest.approx(
        np.mean([m.warping_error(r).value for m, r in zip(apart, results, strict=True)])
    )
    assert warping.masked_fraction == pytest.approx(
        np.mean([m.warping_error(r).masked_fraction for m, r in zip(apart, results, strict=True)])
    )
    inter = together.interpolation_error(both)
    assert inter.frames == 3 + 3
    assert inter.value == pytest.approx(
        np.mean([m.interpolation_error(r).value for m, r in zip(apart, results, strict=True)])
    )
    assert together.t_of(both) == pytest.approx(np.mean([m.t_of(r) for m, r in zip(apart, results, strict=True)]))


def test_cuts_are_those_of_the_reference_alone(truth: list[Picture], motion: fig.ReferenceMotion) -> None:
    other = [*truth[:2], *pan(3, *SIZE, STEP, seed=7)]
    assert motion.cuts == frozenset()
    assert motion.warping_error(other).pairs == 4, "a result that jumps where the truth does not is to blame"
    told = fig.ReferenceMotion(truth, cuts=[2])
    assert (told.pairs, told.middles) == ([0, 2, 3], [3])


def test_a_clip_of_cuts_alone_cannot_be_measured_over_time(truth: list[Picture]) -> None:
    cut = fig.ReferenceMotion(truth, cuts=range(1, len(truth)))
    error = cut.warping_error(truth)
    assert error.pairs == 0
    figures = (error.value, error.masked_fraction, cut.interpolation_error(truth).value, cut.t_of(truth))
    assert all(math.isnan(figure) for figure in figures)


def test_a_still_clip_has_no_warping_error_at_all() -> None:
    still = [texture(64, 64)] * 3
    error = fig.warping_error(still, still)
    assert error.value == pytest.approx(0.0, abs=1e-6)
    assert error.masked_fraction == 0.0


def test_the_masked_fraction_grows_with_an_occluder(truth: list[Picture], motion: fig.ReferenceMotion) -> None:
    crossing = [frame.copy() for frame in truth]
    patch = texture(48, 40, seed=5)
    for t, frame in enumerate(crossing):
        frame[24:72, 10 + 8 * t : 50 + 8 * t] = patch
    occluded = fig.ReferenceMotion(crossing).warping_error(crossing)
    assert occluded.masked_fraction > motion.warping_error(truth).masked_fraction + 0.02


def test_pixels_that_leave_the_frame_are_masked() -> None:
    flow = np.zeros((10, 20, 2), np.float32)
    flow[..., 0] = 4.0
    visible = non_occluded(flow, -flow)
    assert visible[:, :16].all()
    assert not visible[:, 16:].any()


def test_flows_that_disagree_by_more_than_the_rule_allows_are_masked() -> None:
    forward = np.full((8, 8, 2), 0.0, np.float32)
    assert non_occluded(forward, forward + np.array([0.49, 0.0], np.float32)).all()
    assert not non_occluded(forward, forward + np.array([0.52, 0.0], np.float32)).any()


@given(dx=st.integers(-4, 4), dy=st.integers(-4, 4))
@settings(max_examples=15, deadline=None)
def test_warping_by_whole_pixels_moves_pixels_unchanged(dx: int, dy: int) -> None:
    picture = texture(24, 30)
    flow = np.broadcast_to(np.array([dx, dy], np.float32), (24, 30, 2)).copy()
    y, x = np.mgrid[0:24, 0:30]
    expected = picture[np.clip(y + dy, 0, 23), np.clip(x + dx, 0, 29)]
    assert np.allclose(warp_picture(picture, flow), expected, atol=1e-6)


def test_motion_is_found_once_for_any_number_of_results(truth: list[Picture]) -> None:
    calls = []

    def counted(source: Grey, target: Grey) -> Flow:
        calls.append(1)
        return farneback_flow(source, target)

    motion = fig.ReferenceMotion(truth, counted)
    assert not calls
    first = motion.warping_error(truth)
    assert len(calls) == 2 * 4
    assert motion.warping_error(truth) == first
    assert len(calls) == 2 * 4


def test_a_clip_without_a_visible_pixel_is_not_measurable_rather_than_perfect(truth: list[Picture]) -> None:
    # Forward and backward flow agree with nothing: both point right.
    error = fig.ReferenceMotion(truth, known_pan).warping_error(truth)
    assert math.isnan(error.value)
    assert (error.masked_fraction, error.pairs) == (1.0, 0)


def test_interpolation_error_is_low_for_even_motion_and_rises_with_flicker(
    truth: list[Picture], motion: fig.ReferenceMotion
) -> None:
    floor = motion.interpolation_error(truth)
    assert floor.frames == 3
    assert floor.value < 4.0
    assert motion.interpolation_error(flickering(truth, 0.05)).value > floor.value + 3.0


def test_interpolation_error_says_whose_motion_it_used(truth: list[Picture]) -> None:
    short = truth[:3]
    with_reference, alone = fig.interpolation_error(short, short), fig.interpolation_error(short)
    assert (with_reference.motion_from, alone.motion_from) == ("reference", "clip")
    assert with_reference.value == alone.value
    assert "motion of the clip" in str(alone)


def test_the_interpolator_never_looks_at_the_frame_it_rebuilds(
    truth: list[Picture], motion: fig.ReferenceMotion
) -> None:
    damaged = [*truth[:2], np.zeros_like(truth[2]), *truth[3:]]
    assert np.array_equal(motion.interpolated(damaged, 2), motion.interpolated(truth, 2))


def test_interpolating_a_known_pan_gives_the_middle_frame(truth: list[Picture]) -> None:
    two_steps = np.array(STEP, np.float32) * 2
    first = grey(truth[0])

    def exact(source: Grey, target: Grey) -> Flow:
        sign = 1.0 if np.array_equal(source, first) else -1.0
        return np.broadcast_to(sign * two_steps, (*SIZE, 2)).astype(np.float32)

    motion = fig.ReferenceMotion(truth, exact)
    rebuilt = motion.interpolated(truth, 1)
    assert float(np.abs(rebuilt - truth[1])[4:-4, 4:-4].mean()) < 0.02


def test_t_of_is_zero_for_the_truth_and_large_for_wrong_motion(
    truth: list[Picture], motion: fig.ReferenceMotion
) -> None:
    assert motion.t_of(truth) == 0.0
    frozen = [truth[0]] * len(truth)
    assert motion.t_of(frozen) == pytest.approx(sum(map(abs, STEP)), rel=0.2)
    assert fig.t_of(truth[:2], truth[:2]) == 0.0


def test_mismatched_clips_are_refused_and_named(truth: list[Picture], motion: fig.ReferenceMotion) -> None:
    smaller = [frame[:, :-1] for frame in truth]
    with pytest.raises(ValueError, match="127x96 and 128x96"):
        motion.warping_error(smaller)
    with pytest.raises(ValueError, match="127x96 and 128x96"):
        fig.warping_error(smaller, truth)
    with pytest.raises(ValueError, match="4 and 5 frames"):
        fig.t_of(truth[:4], truth)
    with pytest.raises(ValueError, match="5 frames"):
        motion.interpolation_error(truth[:4])
    with pytest.raises(ValueError, match="at least 3 frames"):
        fig.interpolation_error(truth[:2])
    with pytest.raises(ValueError, match="differ in size"):
        fig.ReferenceMotion([truth[0], smaller[0]])


def test_an_array_of_frames_is_a_clip_too(truth: list[Picture], motion: fig.ReferenceMotion) -> None:
    assert motion.warping_error(np.stack(truth)) == motion.warping_error(truth)


def test_a_temporal_profile_is_one_row_over_time(truth: list[Picture]) -> None:
    profile = fig.temporal_profile(truth, row=40)
    assert profile.shape == (5, 128, 3)
    assert np.array_equal(profile[3], truth[3][40])
    with pytest.raises(ValueError, match="row 96"):
        fig.temporal_profile(truth, row=96)


def test_a_profile_sheet_stacks_labelled_profiles_of_one_width(truth: list[Picture]) -> None:
    sheet = fig.profile_sheet({"truth": truth, "frame by frame": flickering(truth, 0.1)}, row=40, magnify=4)
    assert sheet.dtype == np.uint8
    assert sheet.shape == (2 * (22 + 5 * 4), 128, 3)
    assert sheet[:22].max() > 128  # the label is written
    assert np.array_equal(sheet[22], np.rint(truth[0][40] * 255).astype(np.uint8))
    with pytest.raises(ValueError, match="differ in size"):
        fig.profile_sheet({"a": truth, "b": [frame[:, 1:] for frame in truth]}, row=4)
    with pytest.raises(ValueError, match="at least one"):
        fig.profile_sheet({}, row=0)
