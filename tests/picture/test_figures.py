"""Figures of the report that stand nowhere else."""

from __future__ import annotations

import numpy as np
import pytest

from metrics.scenes import blurred, flickering, pan, texture
from picture.figures import flicker, key_detail, largest_level


def test_a_softer_keyframe_is_seen_and_an_even_clip_is_one() -> None:
    truth = pan(8, 48, 64)
    soft = blurred(truth, 0.8)
    beating = [blurred([frame], 1.2)[0] if t == 4 else frame for t, frame in enumerate(soft)]
    assert key_detail(soft, truth, [4]) == pytest.approx(1.0, abs=0.05)
    assert key_detail(beating, truth, [4]) < 0.8
    assert key_detail(beating, truth, [3]) > 1.1  # its softer neighbour is frame 4


def test_what_the_footage_itself_does_is_no_beat() -> None:
    """The truth is out of focus on one frame, and so is the result."""
    sharp = pan(5, 48, 64)
    truth = [blurred([frame], 2.0)[0] if t == 2 else frame for t, frame in enumerate(sharp)]
    assert key_detail(truth, truth, [2]) == pytest.approx(1.0)


def test_without_keyframes_or_neighbours_there_is_no_figure() -> None:
    clip = pan(3, 48, 64)
    assert np.isnan(key_detail(clip, clip, []))
    assert np.isnan(key_detail(clip[:1], clip[:1], [0]))
    assert np.isnan(key_detail(clip, clip, [0, 1, 2]))


def test_flicker_is_the_deviation_of_the_noise_and_nothing_where_all_is_still() -> None:
    still = [0.25 + 0.5 * texture(48, 64)] * 16
    assert flicker(still) == pytest.approx(0.0, abs=1e-4)
    assert flicker(flickering(still, 5 / 255)) == pytest.approx(5.0 * (15 / 16) ** 0.5, rel=0.02)


def test_the_largest_level_is_that_of_the_worst_pixel() -> None:
    clip = [np.zeros((4, 5, 3), np.float32) for _ in range(3)]
    assert largest_level(clip) == 0.0
    clip[1][2, 3, 0] = 1 / 255
    assert largest_level(clip) == pytest.approx(1.0)
