"""Clips made of numbers: textures that move, and cut to others."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from answerprint.frames import Frame, Picture
from media.makers import make_movie

__all__ = ["HEIGHT", "WIDTH", "frame_of", "frames_of", "same_frames", "write_clip"]

WIDTH, HEIGHT = 40, 32


@cache
def _texture(shot: int) -> NDArray[np.float32]:
    noise = np.random.default_rng(shot).random((64, 256, 3), np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 1.0)
    spread: NDArray[np.float32] = (smooth - smooth.min()) / (smooth.max() - smooth.min())
    return spread if shot % 2 else spread * np.float32(0.5)


def frame_of(index: int, cuts: Collection[int] = (), *, alpha: bool = False) -> Frame:
    """Frame `index` of a pan of one pixel a frame, which cuts to another texture at each of `cuts`."""
    shot = sum(1 for cut in cuts if cut <= index)
    picture: Picture = np.ascontiguousarray(_texture(shot)[:HEIGHT, index : index + WIDTH])
    return Frame(index, picture, picture[..., 0].copy() if alpha else None)


def frames_of(first: int, stop: int, cuts: Collection[int] = ()) -> list[Frame]:
    return [frame_of(index, cuts) for index in range(first, stop)]


def write_clip(
    path: Path, first: int, stop: int, cuts: Collection[int] = (), *, size: tuple[int, int] = (WIDTH, HEIGHT)
) -> Path:
    """A lossless movie of 8 bits whose frame 0 is frame `first` of the pan. size: of its upper left part, px."""
    frames = []
    for frame in frames_of(first, stop, cuts):
        codes = np.rint(frame.picture[: size[1], : size[0]] * 255).astype(np.uint8)
        frames.append(VideoFrame.from_ndarray(codes, format="rgb24").reformat(format="bgr0"))
    return make_movie(path, frames, codec="ffv1")


def same_frames(one: Iterable[Frame], other: Iterable[Frame]) -> bool:
    """Bit for bit; there are some."""
    one, other = list(one), list(other)
    return (
        len(one) > 0
        and [f.index for f in one] == [f.index for f in other]
        and all(np.array_equal(a.picture, b.picture) for a, b in zip(one, other, strict=True))
    )
