"""What DiffBIR's networks are told of frames: the latents of their first restorations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from torch import Tensor

from answerprint.backends.latent import LatentCondition
from answerprint.temporal.protocols import Window

__all__ = ["RestoredCondition"]


@dataclass(frozen=True, slots=True)
class RestoredCondition(LatentCondition):
    """First restorations, as latents and as pictures."""

    smooth: Tensor
    """[F, 1, h, w] in [0, 1]: how smooth the picture is in each cell."""
    size: tuple[int, int]
    """Height and width, px, of the result; a crop goes on speaking of the whole."""

    def select(self, frames: Sequence[int]) -> Self:
        """Some of the frames, by position."""
        return replace(LatentCondition.select(self, frames), smooth=self.smooth[list(frames)])

    def crop(self, window: Window) -> Self:
        """A rectangle of the latent grid."""
        rows = slice(window.top, window.top + window.height)
        columns = slice(window.left, window.left + window.width)
        return replace(LatentCondition.crop(self, window), smooth=self.smooth[:, :, rows, columns])
