"""Conditioning on low-resolution frames with added noise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from answerprint.backends.low_resolution import PictureCondition
from answerprint.temporal.noise import base_noise
from answerprint.temporal.protocols import Window

__all__ = ["NoisedCondition", "grain_for"]

_GRAIN_SEED = 4
"""Arbitrary but fixed."""


@dataclass(frozen=True, slots=True)
class NoisedCondition(PictureCondition):
    """Low-resolution frames and their noise; one latent cell is one pixel."""

    grain: Tensor
    """[F, 3, h, w] standard normal noise, of the size of `low`."""
    abar: float
    """Share of the source's variance in the network's input; the rest is noise."""

    @property
    def noised(self) -> Tensor:
        """[F, 3, h, w]: q(x_t | x_0) of the noise level (Ho et al. 2020, Eq. 4)."""
        return math.sqrt(self.abar) * self.low + math.sqrt(1 - self.abar) * self.grain

    def select(self, frames: Sequence[int]) -> NoisedCondition:
        """Some of the frames, by position."""
        return replace(self, low=self.low[list(frames)], grain=self.grain[list(frames)])

    def crop(self, window: Window) -> NoisedCondition:
        """A rectangle of the latent grid; `content` stays that of the whole."""
        rows = slice(window.top, window.top + window.height)
        columns = slice(window.left, window.left + window.width)
        return replace(self, low=self.low[:, :, rows, columns], grain=self.grain[:, :, rows, columns])


def grain_for(low: Tensor) -> Tensor:
    """The same noise for all frames [F, 3, h, w] of a size, in every clip and chunk.

    Independent noise would make the network's input flicker, with a deviation of 2.6 % of the range at level 20. It is
    drawn for the whole picture, so it is the same in every window.
    """
    grain = base_noise(_GRAIN_SEED, 0, 0, low.shape[1:]).to(low)
    return grain.expand_as(low)
