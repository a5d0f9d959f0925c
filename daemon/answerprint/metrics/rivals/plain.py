"""Plain interpolation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2

from answerprint.metrics.perceptual import Absent
from answerprint.metrics.rivals.base import DamagedClip, Restored, enlarge

__all__ = ["PLAIN", "Plain"]

PLAIN: Mapping[str, int] = {"bicubic": cv2.INTER_CUBIC, "lanczos": cv2.INTER_LANCZOS4}
"""Interpolation by row name."""


@dataclass(frozen=True, slots=True)
class Plain:
    """Enlarges each frame; at scale 1 the degraded clip itself."""

    name: str

    def absent(self) -> Absent | None:
        """None: always available."""
        return None

    def restore(self, shot: DamagedClip) -> Restored:
        """The enlarged clip."""
        return Restored(enlarge(shot.low, shot.size, PLAIN[self.name]))
