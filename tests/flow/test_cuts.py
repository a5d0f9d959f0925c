"""Hard cuts are found; motion, noise, fades and flashes are not cuts."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from answerprint.flow.cuts import CutDetector
from answerprint.flow.prepare import prepare
from flow.scenes import Motion, Picture, noisy, texture

SIZE = (200, 364)


def is_cut(before: Picture, after: Picture) -> bool:
    return CutDetector().is_cut(prepare(before), prepare(after))


@pytest.mark.parametrize("seed", range(1, 9))
def test_another_scene_is_a_cut_whichever_comes_first(seed: int) -> None:
    first, second = texture(*SIZE), texture(*SIZE, seed=seed)
    assert is_cut(first, second)
    assert is_cut(second, first)


def test_a_cut_is_found_under_noise_and_in_small_pictures() -> None:
    first, second = texture(*SIZE), texture(*SIZE, seed=1)
    assert is_cut(noisy(first, 25.0), noisy(second, 25.0, seed=1))
    assert is_cut(texture(68, 160), texture(68, 160, seed=1))


def test_a_jump_to_or_from_black_is_a_cut() -> None:
    picture = texture(*SIZE)
    assert is_cut(picture, np.zeros_like(picture))
    assert is_cut(np.zeros_like(picture), picture)


def test_another_size_is_a_cut() -> None:
    assert is_cut(texture(100, 800), texture(108, 800))


@pytest.mark.parametrize(
    "motion",
    [
        Motion(),
        Motion(right_px=12.0, down_px=-5.0),
        Motion(right_px=30.0),
        Motion(zoom=1.12),
        Motion(zoom=0.92),
        Motion(degrees=6.0),
    ],
    ids=str,
)
def test_camera_motion_is_not_a_cut(motion: Motion) -> None:
    for sigma in (0.0, 10.0):
        before, after = motion.frames(*SIZE)
        assert not is_cut(noisy(before, sigma), noisy(after, sigma, seed=1))


@pytest.mark.parametrize("sigma", [10.0, 25.0, 50.0])
def test_noise_is_not_a_cut(sigma: float) -> None:
    picture = texture(*SIZE)
    assert not is_cut(noisy(picture, sigma), noisy(picture, sigma, seed=1))
    flat = np.full_like(picture, 0.5)
    assert not is_cut(noisy(flat, sigma), noisy(flat, sigma, seed=1))


def test_a_fade_to_or_from_black_or_white_is_not_a_cut() -> None:
    picture = texture(*SIZE)
    for end in (0.0, 1.0):
        steps = [picture * (1 - t) + np.float32(end) * t for t in np.linspace(0, 1, 25, dtype=np.float32)]
        for before, after in itertools.pairwise(steps):
            assert not is_cut(before, after)
            assert not is_cut(after, before)


def test_a_dissolve_is_not_a_hard_cut() -> None:
    first, second = texture(*SIZE), texture(*SIZE, seed=1)
    steps = [first * (1 - t) + second * t for t in np.linspace(0, 1, 13, dtype=np.float32)]
    assert not any(is_cut(a, b) for a, b in itertools.pairwise(steps))


def test_a_flash_that_leaves_the_picture_visible_is_not_a_cut() -> None:
    picture = texture(*SIZE)
    assert not is_cut(picture, np.clip(picture * 1.4 + 0.2, 0, 1))
    assert not is_cut(np.clip(picture * 1.4 + 0.2, 0, 1), picture)
