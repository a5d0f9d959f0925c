"""The interface of restoration methods."""

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
    """A degraded clip to restore."""

    low: Sequence[Picture]
    size: tuple[int, int]
    """Width and height of the result, px."""
    first: int = 0
    """Source index of the first frame."""
    seed: int = 0
    task: str = "sr"


@dataclass(frozen=True, slots=True)
class Restored:
    """The result of a method."""

    pictures: list[Picture]
    """One picture per frame, of the requested size, in [0, 1]."""
    seconds_per_frame: float | None = None
    """None if not measured."""
    note: str = ""
    """Note for the reader of the figures."""
    keyframes: tuple[int, ...] = ()
    """Keyframes, counted from 0; empty if the method has none."""


class RestorationMethod(Protocol):
    """A restoration method."""

    @property
    def name(self) -> str:
        """Name of its row."""

    def absent(self) -> Absent | None:
        """Why it is not available on this computer; None if it is."""

    def restore(self, shot: DamagedClip) -> Restored:
        """Restore a clip. Raises AnswerprintError."""


def enlarge(clip: Sequence[Picture], size: tuple[int, int], interpolation: int = cv2.INTER_CUBIC) -> list[Picture]:
    """Pictures resampled to `size` (width, height), clipped to [0, 1]."""
    return [np.asarray(cv2.resize(p, size, interpolation=interpolation), np.float32).clip(0, 1) for p in clip]
