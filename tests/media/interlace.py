"""Interlaced films made on the fly, each with the whole pictures that it was made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from answerprint.frames import Frame
from media.makers import fill, make_movie

WIDTH, HEIGHT = 64, 48
Picture = NDArray[np.uint8]

_TEXTURE = np.random.default_rng(3).normal(0, 1, (HEIGHT // 6 + 2, 200))


def moments(count: int, step: float = 3) -> list[Picture]:
    """Pictures of a landscape that passes by, `step` px further in each one."""
    across, down = np.arange(WIDTH), np.arange(HEIGHT)
    row, between = down // 6, (down % 6 / 6)[:, None]
    texture = _TEXTURE[row] * (1 - between) + _TEXTURE[row + 1] * between
    made = []
    for n in range(count):
        at = (across + 8 + step * n) / 6 % 190
        left = at.astype(int)
        share = at - left
        picture = texture[:, left] * (1 - share) + texture[:, left + 1] * share
        made.append(np.clip(128 + 40 * picture, 16, 235).astype(np.uint8))
    return made


def weave(first: Picture, second: Picture, *, top: bool = True) -> Picture:
    """One frame of two moments; top: the first one is on even lines."""
    frame = (first if top else second).copy()
    frame[1::2] = (second if top else first)[1::2]
    return frame


def interlaced(pictures: Sequence[Picture], *, top: bool = True) -> list[Picture]:
    """A frame of each two pictures."""
    return [weave(*pair, top=top) for pair in zip(pictures[::2], pictures[1::2], strict=True)]


def pulled_down(pictures: Iterable[Picture], *, top: bool = True) -> list[Picture]:
    """Film at 24 frames as video at 30: the fields of a picture are shown twice and three times in turn."""
    fields = [picture for n, picture in enumerate(pictures) for _ in range(2 + n % 2)]
    return [weave(fields[n], fields[n + 1], top=top) for n in range(0, len(fields) - 1, 2)]


def film(
    path: Path, frames: Sequence[Picture], *, flag: str = "", rate: Fraction = Fraction(25), sound: str = ""
) -> Path:
    """A film of grey frames. flag: top or bottom marks all as interlaced (MPEG-2); "" none, and nothing is lost."""
    made = []
    for picture in frames:
        frame = VideoFrame(WIDTH, HEIGHT, "yuv422p")
        fill(frame, 0, picture)
        for plane in (1, 2):
            fill(frame, plane, np.full((HEIGHT, WIDTH // 2), 128, np.uint8))
        made.append(frame)
    if not flag:
        return make_movie(path, made, codec="ffv1", rate=rate, sound=sound, timecode="10:00:00:05")
    options = {"flags": "+ildct+ilme", "top": "1" if flag == "top" else "0", "qscale": "1", "b": "50M", "g": "4"}
    return make_movie(path, made, codec="mpeg2video", options=options, rate=rate)


def fidelity(frames: Iterable[Frame], truth: Sequence[Picture]) -> float:
    """PSNR of frames, in dB, against the pictures that they should show."""
    errors = [
        np.mean((frame.picture.mean(2) * 219 + 16 - picture) ** 2) for frame, picture in zip(frames, truth, strict=True)
    ]
    return float(10 * np.log10(219**2 / max(1e-6, float(np.mean(errors)))))
