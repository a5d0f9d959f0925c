"""Sources for the node: small moving pictures as lossless files and sequences."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
from av import VideoFrame

from answerprint.media import open_reader, probe
from answerprint.ofx.curves import Values
from media.makers import make_movie, make_png
from ofx.pictures import scene

SIZE = (96, 54)


def codes_of(frames: int, *, seed: int = 0) -> list[np.ndarray[tuple[int, ...], np.dtype[np.uint16]]]:
    """Pictures that differ from frame to frame."""
    return [np.rint(scene(*SIZE, at=at, seed=seed) * 65535).astype(np.uint16) for at in range(frames)]


def make_clip(
    path: Path, frames: int = 6, *, rate: Fraction = Fraction(25), timecode: str | None = None, seed: int = 0
) -> Path:
    """A lossless movie: .mkv, or .mov with a timecode."""
    codes = codes_of(frames, seed=seed)
    if path.suffix == ".mov":
        pictures = [VideoFrame.from_ndarray((each >> 8).astype(np.uint8), format="rgb24") for each in codes]
        return make_movie(path, pictures, rate=rate, codec="png", timecode=timecode)
    return make_movie(
        path, [VideoFrame.from_ndarray(each, format="rgb48le") for each in codes], rate=rate, codec="ffv1"
    )


def make_sequence(folder: Path, first: int, frames: int = 4) -> Path:
    """A sequence of PNG; its pattern."""
    folder.mkdir()
    for number, codes in enumerate(codes_of(frames), first):
        make_png(folder / f"plate.{number:04d}.png", codes)
    return folder / "plate.%04d.png"


def pictures_of(path: Path) -> list[Values]:
    """All frames, as they are decoded."""
    with open_reader(probe(path)) as reader:
        return [frame.picture.astype(np.float64) for frame in reader]
