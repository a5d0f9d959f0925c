"""The clips of the report on the picture, and what is done to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from answerprint.frames.frame import Picture
from answerprint.metrics.comparison import Case, read_truth
from answerprint.metrics.degradations import Degradation
from answerprint.training.fetch import clips_folder

__all__ = ["CLIPS", "DAMAGES", "Clip", "truth_of"]


@dataclass(frozen=True, slots=True)
class Clip:
    """A part of a film without a cut."""

    name: str
    file: str
    first: int
    """Number of its first frame in the film."""
    largest: tuple[int, int]
    """Width and height of the part that is used, as far as the film has it."""
    held_out: bool = False
    """No setting was chosen on it."""


CLIPS = (
    Clip("street", "bikes.mp4", 145, (640, 272)),
    Clip("animation", "bigbuckbunny.mp4", 60, (640, 360)),
    Clip("face", "carphone_pristine.mp4", 40, (176, 144)),
    Clip("glass", "cityCC0.mpg", 30, (640, 360), held_out=True),
    Clip("tower", "cityCC0.mpg", 140, (640, 360), held_out=True),
)

DAMAGES: Mapping[str, Degradation] = {
    "strong": Degradation.parse("blur=1.2,noise=10,jpeg=70"),
    "mild": Degradation.parse("area,noise=2"),
}


def truth_of(clip: Clip, frames: int, largest: tuple[int, int], scale: int = 4) -> list[Picture]:
    """Frames of the clip, cut to its middle of the `largest` width and height."""
    width, height = (min(sides) for sides in zip(clip.largest, largest, strict=True))
    return read_truth(Case(clips_folder() / clip.file, scale, first=clip.first, frames=frames, crop=(width, height)))
