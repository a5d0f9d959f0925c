"""Pictures made ready for the estimator."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerprint.flow.prepare import ENLARGED_PX, REDUCED_PX, noise_level, prepare, working_size
from flow.scenes import noisy, texture


@pytest.mark.parametrize(
    ("size", "working"),
    [
        ((160, 68), (640, 272)),
        ((180, 100), (720, 400)),
        ((181, 100), (362, 200)),
        ((68, 160), (272, 640)),
        ((640, 272), (640, 272)),
        ((1280, 720), (1280, 720)),
        ((1920, 1080), (1280, 720)),
        ((4096, 2160), (1280, 675)),
        ((5000, 1), (1280, 1)),
        ((1, 1), (4, 4)),
    ],
)
def test_working_sizes(size: tuple[int, int], working: tuple[int, int]) -> None:
    assert working_size(*size) == working


@given(st.integers(1, 20000), st.integers(1, 20000))
def test_working_size_keeps_its_bounds(width: int, height: int) -> None:
    w, h = working_size(width, height)
    assert min(w, h) >= 1
    assert max(w, h) <= REDUCED_PX
    if w > width:
        assert max(w, h) <= ENLARGED_PX
        assert (w // width, w % width, h // height, h % height) in ((2, 0, 2, 0), (4, 0, 4, 0))


def test_the_same_picture_gives_the_same_hash_and_another_gives_another() -> None:
    picture = texture(68, 160)
    first, again, other = prepare(picture), prepare(picture.copy()), prepare(texture(68, 160, seed=1))
    assert first.content_hash == again.content_hash
    assert np.array_equal(first.luma, again.luma)
    assert first.content_hash != other.content_hash
    assert first.luma.shape == (272, 640)
    assert not first.luma.flags.writeable


def test_pictures_of_the_same_bytes_and_another_shape_differ_in_hash() -> None:
    grey = np.full((400, 800, 3), 0.5, np.float32)
    assert prepare(grey).content_hash != prepare(grey.transpose(1, 0, 2)).content_hash


def test_values_outside_the_display_range_and_nans_are_clipped() -> None:
    picture = texture(300, 800)
    picture[:20] = 7.0
    picture[20:40] = -3.0
    picture[40:60] = np.nan
    picture[60:80] = np.inf
    clipped = picture.copy()
    clipped[:20], clipped[20:60], clipped[60:80] = 1.0, 0.0, 1.0
    assert np.array_equal(prepare(picture).luma, prepare(clipped).luma)


@pytest.mark.parametrize("sigma", [5.0, 10.0, 25.0])
def test_noise_is_measured_within_a_quarter(sigma: float) -> None:
    grey = np.full((272, 640), 0.5, np.float32)
    grain = np.random.default_rng(0).standard_normal(grey.shape, dtype=np.float32)
    textured = texture(272, 640)[..., 1] * np.float32(0.5) + np.float32(0.25)
    for luma in (grey, textured):
        assert noise_level(luma + grain * np.float32(sigma / 255)) == pytest.approx(sigma, rel=0.25)


def test_black_bars_do_not_hide_the_noise() -> None:
    luma = np.clip(0.5 + 0.05 * np.random.default_rng(0).standard_normal((200, 300)), 0, 1).astype(np.float32)
    luma[:70] = luma[130:] = 0.0
    assert noise_level(luma) == pytest.approx(0.05 * 255, rel=0.25)
    assert noise_level(np.zeros((9, 9), np.float32)) == 0.0
    assert noise_level(np.zeros((2, 9), np.float32)) == 0.0


@pytest.mark.parametrize("size", [(68, 160), (272, 800)])
def test_cleaning_takes_noise_away_and_leaves_clean_pictures_alone(size: tuple[int, int]) -> None:
    picture = texture(*size)
    clean, dirty = prepare(picture).luma.astype(float), prepare(noisy(picture, 25.0)).luma.astype(float)
    assert np.abs(dirty - clean).mean() < 0.67 * 25.0 * 0.8 * 0.8  # 0.67: luma; 0.8: mean of |noise|; 0.8: the gain


def test_what_is_no_picture_is_refused() -> None:
    for shape in ((4, 4), (4, 4, 4), (0, 4, 3)):
        with pytest.raises(ValueError, match="picture is"):
            prepare(np.zeros(shape, np.float32))
