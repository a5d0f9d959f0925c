"""Conditioning on low-resolution frames, concatenated with the latent on its grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from answerprint.backends.base import own_condition
from answerprint.temporal.protocols import Condition, Window

__all__ = ["PictureCondition", "of_pictures", "pad_pictures"]


@dataclass(frozen=True, slots=True)
class PictureCondition:
    """Low-resolution frames, padded to multiples of the network's coarsest tokens."""

    low: Tensor
    """[F, 3, h, w] float32 in [-1, 1]."""
    height: int
    """Rows of the whole picture without padding; a crop keeps those of the whole."""
    width: int
    """Columns of the whole picture without padding."""
    latent_channels: int
    pixels_per_cell: int
    """Low-resolution pixels per latent cell, along each axis."""

    @property
    def frames(self) -> int:
        """Number of frames."""
        return len(self.low)

    @property
    def latent_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of one latent, padding included."""
        return (
            self.latent_channels,
            self.low.shape[2] // self.pixels_per_cell,
            self.low.shape[3] // self.pixels_per_cell,
        )

    @property
    def content(self) -> tuple[float, float]:
        """Height and width in cells, without padding."""
        return self.height / self.pixels_per_cell, self.width / self.pixels_per_cell

    def select(self, frames: Sequence[int]) -> PictureCondition:
        """Some of the frames, by position."""
        return replace(self, low=self.low[list(frames)])

    def crop(self, window: Window) -> PictureCondition:
        """A rectangle of the latent grid; `content` stays that of the whole."""
        n = self.pixels_per_cell
        rows = slice(window.top * n, (window.top + window.height) * n)
        columns = slice(window.left * n, (window.left + window.width) * n)
        return replace(self, low=self.low[:, :, rows, columns])


def pad_pictures(
    low: Tensor, device: torch.device, *, latent_channels: int, pixels_per_cell: int, multiple_of: int
) -> PictureCondition:
    """Scale `low` [F, 3, h, w] from [0, 1] to [-1, 1], and pad it at the bottom and right by replicating the border.

    Values outside are clamped, and NaN, which float pictures may contain, becomes black: it would spread over the
    whole frame. Latent sides become multiples of `multiple_of` cells.
    """
    unit = pixels_per_cell * multiple_of
    height, width = low.shape[2:]
    finite = low.to(device, torch.float32).nan_to_num(nan=0.0, posinf=1.0, neginf=0.0).clamp(0, 1)
    padded = F.pad(finite * 2 - 1, (0, -width % unit, 0, -height % unit), mode="replicate")
    return PictureCondition(padded, height, width, latent_channels, pixels_per_cell)


def of_pictures(condition: Condition) -> PictureCondition:
    """`own_condition` for PictureCondition."""
    return own_condition(condition, PictureCondition)
