"""Prepare an estimator's input: denoised 8-bit luma at a size that suits optical flow."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from answerprint.flow.estimator import Luma
from answerprint.frames.planes import row_blocks

__all__ = ["ENLARGED_PX", "REDUCED_PX", "FlowPicture", "flow_picture", "noise_level", "prepare", "working_size"]

ENLARGED_PX = 720
"""Longest side of enlarged small pictures: DIS matches patches of 8 pixels, too coarse for 160x68."""
REDUCED_PX = 1280
"""Larger pictures are scaled down to this longest side."""

_LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)
_NOISE_SAMPLES = 100_000
_BLUR_PX_PER_LEVEL = 0.12
_BLUR_MIN_PX = 0.3
_BLUR_MAX_PX = 2.0
_MEANS_MIN_LEVELS = 4.0
"""Small pictures with less noise are not denoised: their finest detail looks like noise of 2 levels."""

_Plane = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class FlowPicture:
    """An estimator's input; made once per frame by `prepare`."""

    luma: Luma
    """[h, w] uint8, read-only, of the working size."""
    content_hash: str
    """SHA-256, in hexadecimal, of the size and the pixels."""


def working_size(width: int, height: int) -> tuple[int, int]:
    """Width and height at which the flow of a `width` x `height` picture is estimated.

    Enlarged 4 or 2 times if the longest side stays within `ENLARGED_PX`; scaled down to `REDUCED_PX` if it is longer
    than that; else unchanged. At least one pixel.
    """
    longest = max(width, height)
    for factor in (4, 2):
        if longest * factor <= ENLARGED_PX:
            return width * factor, height * factor
    if longest <= REDUCED_PX:
        return width, height
    return max(1, round(width * REDUCED_PX / longest)), max(1, round(height * REDUCED_PX / longest))


def noise_level(luma: _Plane) -> float:
    """Standard deviation of the noise in `luma` [h, w] of range 0..1, on the 0..255 scale.

    Immerkaer's operator (1996), which is 0 on planes and edges, with the median absolute response instead of the mean:
    it is less sensitive to texture. Clipped pixels (black bars, blown-out skies) carry no noise and are ignored.
    """
    if min(luma.shape) < 3:
        return 0.0
    operator = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    response = np.asarray(cv2.filter2D(luma, cv2.CV_32F, operator))
    step = math.ceil(math.sqrt(luma.size / _NOISE_SAMPLES))
    values, response = luma[1:-1:step, 1:-1:step], response[1:-1:step, 1:-1:step]
    unclipped = np.abs(response[(values > 0.0) & (values < 1.0)])
    if unclipped.size == 0:
        return 0.0
    return float(np.median(unclipped)) * 1.4826 / 6.0 * 255.0


def _clean(luma: _Plane, small: bool) -> _Plane:
    """Denoise `luma` for the estimator.

    Measured: a Gaussian blur works best on full-size pictures but removes too much detail from small ones. For those,
    non-local means, slow only for many pixels, gains 2 % at noise 10 and 4 % at 25.
    """
    level = noise_level(luma)
    if small:
        if level < _MEANS_MIN_LEVELS:
            return luma
        levels = np.rint(luma * 255.0).astype(np.uint8)
        return np.asarray(cv2.fastNlMeansDenoising(levels, None, level, 3, 9), np.float32) / np.float32(255.0)
    sigma_px = min(_BLUR_MAX_PX, _BLUR_PX_PER_LEVEL * level)
    if sigma_px < _BLUR_MIN_PX:
        return luma
    return np.asarray(cv2.GaussianBlur(luma, (0, 0), sigma_px), np.float32)


def prepare(picture: NDArray[np.float32]) -> FlowPicture:
    """Prepare `picture` [H, W, 3], display-referred RGB in 0..1; other values, including NaN, are clipped.

    Clip, luma (Rec. 709), scale down if large, denoise, enlarge if small (bicubic), round to 8 bits. Deterministic.
    """
    if picture.ndim != 3 or picture.shape[2] != 3 or 0 in picture.shape:
        raise ValueError(f"a picture is [H, W, 3], not {picture.shape}")
    height, width = picture.shape[:2]
    size = working_size(width, height)
    luma = np.empty((height, width), np.float32)
    for rows in row_blocks(height, width):
        # fmax of a number and NaN is the number.
        shown = np.fmax(picture[rows], np.float32(0.0), dtype=np.float32)
        luma[rows] = np.fmin(shown, np.float32(1.0), out=shown) @ _LUMA
    if size[0] < width or size[1] < height:
        luma = np.asarray(cv2.resize(luma, size, interpolation=cv2.INTER_AREA), np.float32)
    luma = _clean(luma, small=size[0] > width)
    if size[0] > width:
        luma = np.asarray(cv2.resize(luma, size, interpolation=cv2.INTER_CUBIC), np.float32)
    return flow_picture(np.rint(np.clip(luma, 0.0, 1.0) * 255.0).astype(np.uint8))


def flow_picture(luma: Luma) -> FlowPicture:
    """Wrap prepared `luma` with its hash; `luma` becomes read-only."""
    luma.flags.writeable = False
    digest = hashlib.sha256(f"{luma.shape[1]}x{luma.shape[0]}:".encode() + luma.tobytes()).hexdigest()
    return FlowPicture(luma, digest)
