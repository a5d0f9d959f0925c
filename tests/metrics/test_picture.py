"""Promises of the figures of one picture against another."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from answerprint.metrics import picture as fig
from answerprint.metrics.checks import luma
from answerprint.metrics.degradations import blur
from metrics.scenes import Picture, flickering, texture


@pytest.fixture(scope="module")
def pair() -> tuple[Picture, Picture]:
    good = texture(96, 130)
    return good, flickering([blur(good, 1.0)], 0.03)[0]


@pytest.mark.parametrize("channel", ["rgb", "y"])
def test_psnr_agrees_with_skimage(pair: tuple[Picture, Picture], channel: fig.Channel) -> None:
    a, b = pair if channel == "rgb" else (luma(pair[0]), luma(pair[1]))
    assert fig.psnr(*pair, channel) == pytest.approx(peak_signal_noise_ratio(a, b, data_range=1.0), abs=1e-4)


@pytest.mark.parametrize("channel", ["rgb", "y"])
def test_ssim_agrees_with_skimage(pair: tuple[Picture, Picture], channel: fig.Channel) -> None:
    a, b = pair if channel == "rgb" else (luma(pair[0]), luma(pair[1]))
    expected = structural_similarity(
        a.astype(np.float64),
        b.astype(np.float64),
        data_range=1.0,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        channel_axis=2 if channel == "rgb" else None,
    )
    assert fig.ssim(*pair, channel) == pytest.approx(expected, abs=2e-5)


def test_ms_ssim_agrees_with_a_plain_reading_of_its_paper() -> None:
    good = texture(176, 192)  # sides divisible by 16: no rounding at any scale
    bad = flickering([blur(good, 1.2)], 0.05)[0]
    x, y = luma(good).astype(np.float64), luma(bad).astype(np.float64)
    expected = 1.0
    for scale, weight in enumerate((0.0448, 0.2856, 0.3001, 0.2363, 0.1333)):
        contrast, full = _ssim_maps(x, y)
        expected *= (full if scale == 4 else contrast) ** weight
        if scale < 4:
            x, y = (p.reshape(p.shape[0] // 2, 2, p.shape[1] // 2, 2).mean((1, 3)) for p in (x, y))
    assert fig.ms_ssim(good, bad, "y") == pytest.approx(expected, abs=2e-5)


def _ssim_maps(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, float]:
    taps = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    taps /= taps.sum()

    def mean(p: NDArray[np.float64]) -> NDArray[np.float64]:
        rows = np.apply_along_axis(np.convolve, 0, p, taps, "valid")
        return np.asarray(np.apply_along_axis(np.convolve, 1, rows, taps, "valid"))

    mx, my = mean(x), mean(y)
    cs = (2 * (mean(x * y) - mx * my) + 0.03**2) / (mean(x * x) - mx**2 + mean(y * y) - my**2 + 0.03**2)
    return float(cs.mean()), float((cs * (2 * mx * my + 0.01**2) / (mx**2 + my**2 + 0.01**2)).mean())


@pytest.mark.parametrize(
    ("side", "scales"), [(11, 1), (20, 1), (21, 2), (41, 3), (81, 4), (160, 4), (161, 5), (900, 5)]
)
def test_ms_ssim_uses_as_many_scales_as_hold_the_window(side: int, scales: int) -> None:
    assert fig._scale_count(side) == scales


@given(side=st.integers(11, 175), wide=st.integers(0, 30), seed=st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_ms_ssim_of_equal_pictures_is_one_at_any_size(side: int, wide: int, seed: int) -> None:
    same = texture(side, side + wide, seed)
    assert fig.ms_ssim(same, same) == pytest.approx(1.0, abs=1e-6)


def test_equal_pictures_are_perfect_on_every_figure(pair: tuple[Picture, Picture]) -> None:
    good = pair[0]
    assert fig.psnr(good, good) == math.inf
    assert fig.psnr(good, good, "y") == math.inf
    assert fig.ssim(good, good) == pytest.approx(1.0, abs=1e-6)
    assert fig.gmsd(good, good) == pytest.approx(0.0, abs=1e-6)
    assert fig.detail_ratio(good, good) == 1.0
    assert fig.high_band_correlation(good, good) == pytest.approx(1.0)


@given(offset=st.floats(0.001, 0.3))
@settings(max_examples=20, deadline=None)
def test_psnr_of_a_constant_offset_is_the_offset_in_decibels(offset: float) -> None:
    flat = np.full((16, 16, 3), 0.5, np.float32)
    assert fig.psnr(flat, flat + np.float32(offset)) == pytest.approx(-20 * math.log10(offset), abs=0.01)


def test_more_damage_is_worse_on_every_figure(pair: tuple[Picture, Picture]) -> None:
    good = texture(180, 180)
    mild, strong = blur(good, 0.8), blur(good, 2.5)
    for higher_is_better in (fig.psnr, fig.ssim, fig.ms_ssim, fig.high_band_correlation, fig.detail_ratio):
        assert higher_is_better(mild, good) > higher_is_better(strong, good)
    assert fig.gmsd(mild, good) < fig.gmsd(strong, good)


def test_detail_ratio_tells_blur_from_invention_and_correlation_tells_true_detail() -> None:
    good = texture(96, 96)
    invented = texture(96, 96, seed=7)
    assert fig.detail_ratio(blur(good, 1.5), good) < 0.2
    assert fig.detail_ratio(flickering([good], 0.1)[0], good) > 1.1
    assert abs(fig.high_band_correlation(invented, good)) < 0.1
    assert fig.high_band_correlation(blur(good, 0.8), good) > 0.8


def test_detail_of_a_black_truth_is_not_a_number_rather_than_an_error() -> None:
    black = np.zeros((32, 32, 3), np.float32)
    assert math.isnan(fig.detail_ratio(texture(32, 32), black))
    assert math.isnan(fig.high_band_correlation(texture(32, 32), black))


def test_luma_weighs_as_bt709_and_keeps_white_at_one() -> None:
    colours = np.array([[[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]]], np.float32)
    assert luma(colours)[0] == pytest.approx([0.2126, 0.7152, 0.0722, 1.0], abs=1e-6)


@pytest.mark.parametrize(
    "figure", [fig.psnr, fig.ssim, fig.ms_ssim, fig.gmsd, fig.detail_ratio, fig.high_band_correlation]
)
def test_a_size_mismatch_is_refused_and_names_both_sizes(figure: Callable[[Picture, Picture], float]) -> None:
    with pytest.raises(ValueError, match="48x32 and 47x32"):
        figure(texture(32, 48), texture(32, 47))


def test_a_picture_smaller_than_the_window_is_refused() -> None:
    with pytest.raises(ValueError, match="11x11"):
        fig.ssim(texture(10, 40), texture(10, 40))


def test_an_unknown_channel_is_refused() -> None:
    with pytest.raises(ValueError, match="'rgb' or 'y'"):
        fig.psnr(texture(16, 16), texture(16, 16), "u")  # type: ignore[arg-type]
