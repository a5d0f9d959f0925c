"""Figures of one picture against another: PSNR, SSIM, MS-SSIM, GMSD, and the detail that blur removes.

All take pictures [H, W, 3] float32 RGB in [0, 1] of one size; another size raises ValueError with both sizes.
`channel` is "rgb" (mean over the three channels) or "y" (BT.709 luma, see `checks.luma`). No border is cropped, save
the five pixels that SSIM's window cannot cover.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from answerprint.frames.frame import Picture, Plane
from answerprint.metrics.checks import luma, require_same_size

__all__ = [
    "PICTURE_METRICS",
    "Channel",
    "detail_energy",
    "detail_ratio",
    "gmsd",
    "high_band",
    "high_band_correlation",
    "ms_ssim",
    "psnr",
    "ssim",
]

Channel = Literal["rgb", "y"]

_WINDOW = 11  # Wang et al. 2004: 11x11 Gaussian window of sigma 1.5, K1 = .01, K2 = .03
_SIGMA = 1.5
_C1, _C2 = 0.01**2, 0.03**2
_MS_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # Wang et al. 2003, finest scale first
_GMSD_C = 170.0 / 255.0**2  # Xue et al. 2014 print 170 for values on 0..255


def psnr(a: Picture, b: Picture, channel: Channel = "rgb") -> float:
    """Peak signal to noise ratio in dB for a peak of 1; inf for equal pictures. RGB: of the error over all channels."""
    x, y = _pair(a, b, channel)
    difference = np.subtract(x, y, dtype=np.float32).ravel()
    # float64 sum: a float32 sum of 10^6 squares loses the digits that 60 dB stands on.
    mse = float(np.mean(np.square(difference), dtype=np.float64))
    return float("inf") if mse == 0.0 else float(-10.0 * np.log10(mse))


def ssim(a: Picture, b: Picture, channel: Channel = "rgb") -> float:
    """Structural similarity (Wang et al. 2004), data range 1: 1 for equal pictures, about 0 for unrelated ones.

    The mean is over the places where the whole 11x11 window lies in the picture. Raises ValueError below 11x11 px.
    """
    x, y = _pair(a, b, channel)
    return _ssim_terms(x, y)[0]


def ms_ssim(a: Picture, b: Picture, channel: Channel = "rgb") -> float:
    """Multi-scale SSIM (Wang et al. 2003), five scales, 0..1.

    A picture whose short side is below 161 px cannot hold the window at the fifth scale: it gets as many scales as fit
    (four from 81 px, three from 41, two from 21, one from 11), their weights scaled to sum to 1. Such a figure is
    comparable only with others of the same size. Negative contrast terms count as 0. RGB: mean over the channels.
    """
    x, y = _pair(a, b, channel)
    scales = _scale_count(min(a.shape[:2]))
    weights = np.array(_MS_WEIGHTS[:scales]) / sum(_MS_WEIGHTS[:scales])
    planes = 1 if x.ndim == 2 else x.shape[2]
    figures = [_ms_ssim_plane(_plane(x, i), _plane(y, i), weights) for i in range(planes)]
    return float(np.mean(figures))


def gmsd(a: Picture, b: Picture) -> float:
    """Gradient magnitude similarity deviation on luma (Xue et al. 2014): 0 for equal pictures, larger is worse."""
    x, y = _pair(a, b, "y")
    slope_x, slope_y = _gradient(_halve(x)), _gradient(_halve(y))
    similarity = (2.0 * slope_x * slope_y + _GMSD_C) / (slope_x * slope_x + slope_y * slope_y + _GMSD_C)
    return float(np.std(similarity, dtype=np.float64))


def high_band(picture: Picture) -> Plane:
    """Fine detail [H, W]: luma less its Gaussian blur of sigma 1.5 px, so what has periods below about 8 px."""
    y = luma(picture)
    return np.asarray(y - cv2.GaussianBlur(y, (0, 0), _SIGMA, borderType=cv2.BORDER_REFLECT_101), np.float32)


def detail_energy(picture: Picture) -> float:
    """Mean square of the high band: falls with blur, rises with sharpening, and with noise as well."""
    return float(np.mean(np.square(high_band(picture)), dtype=np.float64))


def detail_ratio(result: Picture, truth: Picture) -> float:
    """Detail energy of the result over that of the truth: 1 is right, below is blur, above is invented or noise.

    nan where the truth has no detail at all (a black frame). Read it with `high_band_correlation`, which tells true
    detail from invented.
    """
    require_same_size(result, truth)
    energy = detail_energy(truth)
    return detail_energy(result) / energy if energy > 0.0 else float("nan")


def high_band_correlation(result: Picture, truth: Picture) -> float:
    """Pearson correlation of the two high bands, -1..1: is the detail in its right place? nan where one is flat."""
    require_same_size(result, truth)
    x, y = (high_band(p).astype(np.float64) for p in (result, truth))
    x -= x.mean()
    y -= y.mean()
    scale = float(np.sqrt(np.sum(x * x) * np.sum(y * y)))
    return float(np.clip(np.sum(x * y) / scale, -1.0, 1.0)) if scale > 0.0 else float("nan")


PICTURE_METRICS: Mapping[str, Callable[[Picture, Picture], float]] = MappingProxyType(
    {
        "psnr": psnr,
        "psnr_y": partial(psnr, channel="y"),
        "ssim": ssim,
        "ssim_y": partial(ssim, channel="y"),
        "ms_ssim": ms_ssim,
        "gmsd": gmsd,
        "detail_ratio": detail_ratio,
        "high_band_correlation": high_band_correlation,
    }
)
"""What `answerprint eval` measures on every frame, result first, then truth. `report.COLUMNS` says how it is shown."""


def _pair(a: Picture, b: Picture, channel: Channel) -> tuple[Plane, Plane]:
    require_same_size(a, b)
    if channel == "y":
        return luma(a), luma(b)
    if channel == "rgb":
        return np.asarray(a, np.float32), np.asarray(b, np.float32)
    raise ValueError(f"channel is 'rgb' or 'y', not {channel!r}")


def _plane(x: Plane, index: int) -> Plane:
    return x if x.ndim == 2 else np.ascontiguousarray(x[..., index])


def _window(x: Plane) -> Plane:
    """Gaussian-weighted local mean at the places that the window covers wholly."""
    r = _WINDOW // 2
    blurred = cv2.GaussianBlur(x, (_WINDOW, _WINDOW), _SIGMA)
    return np.asarray(blurred, np.float32)[r:-r, r:-r]


def _ssim_terms(x: Plane, y: Plane) -> tuple[float, float]:
    """Mean SSIM and its mean contrast-structure part."""
    if min(x.shape[:2]) < _WINDOW:
        raise ValueError(f"SSIM needs {_WINDOW}x{_WINDOW} px at least, the picture has {x.shape[1]}x{x.shape[0]}")
    mx, my = _window(x), _window(y)
    mxx, myy, mxy = mx * mx, my * my, mx * my
    vxx, vyy, vxy = _window(x * x) - mxx, _window(y * y) - myy, _window(x * y) - mxy
    cs = (2.0 * vxy + _C2) / (vxx + vyy + _C2)
    full = cs * (2.0 * mxy + _C1) / (mxx + myy + _C1)
    return float(np.mean(full, dtype=np.float64)), float(np.mean(cs, dtype=np.float64))


def _scale_count(short_side: int) -> int:
    """As many scales, five at most, as keep the short side at 11 px; odd sizes round up when they are halved."""
    count = 1
    while count < len(_MS_WEIGHTS) and short_side > (_WINDOW - 1) * 2**count:
        count += 1
    return count


def _ms_ssim_plane(x: Plane, y: Plane, weights: NDArray[np.float64]) -> float:
    product = 1.0
    for scale, weight in enumerate(weights):
        full, cs = _ssim_terms(x, y)
        last = scale == len(weights) - 1
        product *= max(full if last else cs, 0.0) ** float(weight)
        if not last:
            x, y = _halve(x), _halve(y)
    return product


def _halve(x: Plane) -> Plane:
    """2x2 mean, an odd last row or column repeated first."""
    h, w = x.shape
    if h % 2 or w % 2:
        x = np.asarray(cv2.copyMakeBorder(x, 0, h % 2, 0, w % 2, cv2.BORDER_REPLICATE), np.float32)
    return np.asarray(cv2.resize(x, ((w + 1) // 2, (h + 1) // 2), interpolation=cv2.INTER_AREA), np.float32)


def _gradient(x: Plane) -> Plane:
    """Prewitt gradient magnitude [H, W]."""
    kernel = np.array([[1, 0, -1], [1, 0, -1], [1, 0, -1]], np.float32) / np.float32(3.0)
    dx, dy = cv2.filter2D(x, cv2.CV_32F, kernel), cv2.filter2D(x, cv2.CV_32F, kernel.T.copy())
    return np.asarray(np.sqrt(dx * dx + dy * dy), np.float32)
