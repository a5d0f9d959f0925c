"""What every way to restore a clip gets and gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np

from answerprint.frames.frame import Picture
from answerprint.metrics.perceptual import Absent

__all__ = ["DamagedClip", "RestorationMethod", "Restored", "enlarge"]


@dataclass(frozen=True, slots=True)
class DamagedClip:
    """A damaged clip that is to be restored."""

    low: Sequence[Picture]
    size: tuple[int, int]
    """Width and height that the result must have, px."""
    first: int = 0
    """Number of the first frame in its film."""
    seed: int = 0
    task: str = "sr"


@dataclass(frozen=True, slots=True)
class Restored:
    """What a way made of a shot."""

    pictures: list[Picture]
    """As many as the shot has frames, of the wanted size, in [0, 1]."""
    seconds_per_frame: float | None = None
    """None where it is not worth counting."""
    note: str = ""
    """What a reader of its figures must know."""
    keyframes: tuple[int, ...] = ()
    """Frames, counted from 0, on which the others of their chunks lean; none where there are no such."""


class RestorationMethod(Protocol):
    """A way to restore a clip."""

    @property
    def name(self) -> str:
        """Of its row."""

    def absent(self) -> Absent | None:
        """Why it cannot be had on this computer; None where it can."""

    def restore(self, shot: DamagedClip) -> Restored:
        """The restored clip. Raises AnswerprintError where it cannot be made."""


def enlarge(clip: Sequence[Picture], size: tuple[int, int], interpolation: int = cv2.INTER_CUBIC) -> list[Picture]:
    """Pictures resampled to `size` (width, height), clipped to [0, 1]."""
    return [np.asarray(cv2.resize(p, size, interpolation=interpolation), np.float32).clip(0, 1) for p in clip]
