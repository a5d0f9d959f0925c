"""What every figure asks of its input: pictures of one size. Nothing here crops or resizes to make two sizes agree."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from answerprint.frames.frame import Picture

__all__ = ["Clip", "luma", "require_clip", "require_same_clips", "require_same_size"]

Clip = Sequence[Picture] | NDArray[np.float32]
"""Frames [H, W, 3] float32 RGB in [0, 1], all of one size: a list of them, or one array [T, H, W, 3]."""

_BT709 = np.array([[0.2126, 0.7152, 0.0722]], np.float32)


def luma(picture: Picture) -> NDArray[np.float32]:
    """BT.709 luma Y' [H, W] in [0, 1] of gamma-coded R'G'B', full range.

    Papers that use MATLAB's rgb2ycbcr take BT.601 weights and squeeze Y into 16..235, which alone adds 1.3 dB of PSNR:
    their Y figures are not comparable with ours.
    """
    if picture.ndim != 3 or picture.shape[2] != 3:
        raise ValueError(f"a picture [H, W, 3] is needed, not one of shape {tuple(picture.shape)}")
    return np.asarray(cv2.transform(np.ascontiguousarray(picture, np.float32), _BT709), np.float32)


def require_same_size(a: Picture, b: Picture) -> None:
    """Raise ValueError, naming both sizes, unless `a` and `b` have the same shape."""
    if a.shape != b.shape:
        raise ValueError(f"the pictures differ in size: {_size(a.shape)} and {_size(b.shape)}; nothing is cropped")


def require_clip(clip: Clip, frames: int = 1) -> tuple[int, ...]:
    """Shape [H, W, 3] of every frame of `clip`; ValueError if it is shorter than `frames` or its frames differ."""
    if len(clip) < frames:
        raise ValueError(f"a clip of at least {frames} frames is needed, this one has {len(clip)}")
    first = clip[0]
    if first.ndim != 3 or first.shape[2] != 3:
        raise ValueError(f"frames [H, W, 3] are needed, not {tuple(first.shape)}")
    for frame in clip:
        require_same_size(first, frame)
    return tuple(first.shape)


def require_same_clips(a: Clip, b: Clip) -> None:
    """Raise ValueError unless both clips have the same number of frames and one picture size."""
    if len(a) != len(b):
        raise ValueError(f"the clips differ in length: {len(a)} and {len(b)} frames")
    if require_clip(a) != require_clip(b):
        require_same_size(a[0], b[0])


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]}x{shape[0]}" if len(shape) == 3 and shape[2] == 3 else str(tuple(shape))
