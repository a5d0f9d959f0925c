"""Damage of footage stays within its recipe, and the teacher's copy is the cleaner one where there is noise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from answerprint.training.footage import FootageRecipe, damaged

PLAIN = FootageRecipe(
    blur_share=0.0, clean_share=0.0, strong_noise_share=0.0, grain_share=0.0, jpeg_share=0.0, video_share=0.0
)


def _grey(size: int = 256) -> NDArray[np.uint8]:
    return np.full((size, size, 3), 128, np.uint8)


def _deviation(picture: NDArray[np.float32]) -> float:
    return float(np.std(picture * 255.0))


@pytest.mark.parametrize("strong", [False, True])
def test_noise_is_within_its_range(strong: bool) -> None:
    recipe = replace(PLAIN, strong_noise_share=float(strong))
    least, most = recipe.strong_noise if strong else recipe.noise
    found = [_deviation(damaged(_grey(), 4, np.random.default_rng(seed), recipe)[0]) for seed in range(20)]
    assert least * 0.9 <= min(found)
    assert max(found) <= most * 1.1
    assert max(found) - min(found) > (most - least) / 3


def test_the_teacher_sees_less_noise_where_there_is_much() -> None:
    recipe = replace(PLAIN, strong_noise_share=1.0)
    low, cleaner = damaged(_grey(), 4, np.random.default_rng(1), recipe)
    assert _deviation(cleaner) == pytest.approx(_deviation(low) / recipe.copies**0.5, rel=0.15)


def test_the_teacher_sees_the_same_where_noise_is_weak() -> None:
    low, cleaner = damaged(_grey(), 4, np.random.default_rng(1), replace(PLAIN, noise=(2.0, 2.0)))
    assert low is cleaner
    assert _deviation(low) == pytest.approx(2.0, rel=0.15)


def test_grain_is_alike_in_all_channels_and_least_in_black() -> None:
    picture = _grey()
    picture[:, :128] = 0
    recipe = replace(PLAIN, grain_share=1.0, noise=(8.0, 8.0))
    low, _ = damaged(picture, 4, np.random.default_rng(1), recipe)
    np.testing.assert_allclose(low[:, 40:, 0], low[:, 40:, 2], atol=1e-6)
    assert _deviation(low[:, :24]) < 0.4 * _deviation(low[:, 40:])


@pytest.mark.parametrize("jpeg", [True, False])
def test_coding_changes_a_picture_and_keeps_its_size_and_range(jpeg: bool) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (160, 192, 3), np.uint8)
    recipe = replace(PLAIN, noise=(0.0, 0.0))
    coded = replace(recipe, jpeg_share=1.0) if jpeg else replace(recipe, video_share=1.0)
    uncoded, _ = damaged(picture, 4, np.random.default_rng(1), recipe)
    low, _ = damaged(picture, 4, np.random.default_rng(1), coded)
    assert low.shape == (40, 48, 3)
    assert low.dtype == np.float32
    assert 0.0 <= low.min() <= low.max() <= 1.0
    assert 0.5 / 255 < float(np.abs(low - uncoded).mean()) < 0.15


def test_the_same_seed_does_the_same_damage() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (160, 160, 3), np.uint8)
    for seed in range(4):
        first, second = (damaged(picture, 4, np.random.default_rng(seed), FootageRecipe())[0] for _ in range(2))
        np.testing.assert_array_equal(first, second)
