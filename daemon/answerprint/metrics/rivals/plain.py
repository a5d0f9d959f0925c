"""Enlargement by a formula, as every player does it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2

from answerprint.metrics.perceptual import Absent
from answerprint.metrics.rivals.base import DamagedClip, Restored, enlarge

__all__ = ["PLAIN", "Plain"]

PLAIN: Mapping[str, int] = {"bicubic": cv2.INTER_CUBIC, "lanczos": cv2.INTER_LANCZOS4}
"""Interpolations by the name of their row."""


@dataclass(frozen=True, slots=True)
class Plain:
    """Each frame enlarged; where nothing is to be enlarged, the damaged clip itself."""

    name: str

    def absent(self) -> Absent | None:
        """Never absent."""
        return None

    def restore(self, shot: DamagedClip) -> Restored:
        """The enlarged clip."""
        return Restored(enlarge(shot.low, shot.size, PLAIN[self.name]))
