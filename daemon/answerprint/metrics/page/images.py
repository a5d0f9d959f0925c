"""Pictures as parts of a page: data URIs, and the piece of a frame in which a difference is seen best."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from answerprint.frames.frame import Picture
from answerprint.metrics.checks import Clip
from answerprint.metrics.picture import high_band
from answerprint.metrics.temporal import temporal_profile

__all__ = ["Box", "busiest_box", "crop", "jpeg_uri", "png_uri", "profile_uri"]

Box = tuple[int, int, int, int]
"""left, top, width, height in px."""

_QUALITY = 94


def png_uri(picture: Picture) -> str:
    """Picture [H, W, 3] in [0, 1] as it is, to 8 bits."""
    return _uri("png", picture, [cv2.IMWRITE_PNG_COMPRESSION, 9])


def jpeg_uri(picture: Picture) -> str:
    """Picture [H, W, 3] in [0, 1] with losses that no eye finds: high quality, full chroma."""
    full = [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    return _uri("jpeg", picture, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY, *full])


def profile_uri(clip: Clip, row: int) -> str:
    """The temporal profile of a row, a frame 4 px tall."""
    return png_uri(np.repeat(temporal_profile(clip, row), 4, axis=0))


def busiest_box(truth: Picture, width: int, height: int) -> Box:
    """The box of that size, or of the picture's where that is smaller, that holds most of the truth's fine detail."""
    rows, columns = truth.shape[:2]
    width, height = min(width, columns), min(height, rows)
    energy = np.square(high_band(truth)).astype(np.float64)
    sums = np.pad(energy.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    boxes = sums[height:, width:] - sums[:-height, width:] - sums[height:, :-width] + sums[:-height, :-width]
    top, left = np.unravel_index(int(np.argmax(boxes)), boxes.shape)
    return int(left), int(top), width, height


def crop(picture: Picture, box: Box) -> Picture:
    """That part of a picture."""
    left, top, width, height = box
    return picture[top : top + height, left : left + width]


def _uri(kind: str, picture: Picture, settings: Sequence[int]) -> str:
    coded: NDArray[np.uint8] = np.rint(np.clip(picture, 0.0, 1.0) * 255.0).astype(np.uint8)
    done, data = cv2.imencode(f".{kind}", np.ascontiguousarray(coded[..., ::-1]), list(settings))
    if not done:
        raise ValueError(f"a picture {coded.shape} cannot be coded as {kind}")
    return f"data:image/{kind};base64,{base64.b64encode(data.tobytes()).decode()}"
