"""What Marigold's network is told of frames: their latents, beside those of the depth to be found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch.nn.functional as F
from torch import Tensor

from answerprint.temporal.protocols import Condition, Window

__all__ = ["EncodedCondition", "of_encoded", "resized"]


@dataclass(frozen=True, slots=True)
class EncodedCondition:
    """Encoded frames, and the sizes that lead back from their latents to the source."""

    latent: Tensor
    """[F, C, h, w] float32, scaled as the network knows latents; padding included."""
    worked: tuple[int, int]
    """Height and width, px, of the picture that was encoded, without padding; a crop goes on speaking of the whole."""
    source: tuple[int, int]
    """Height and width, px, of the source."""
    factor: int
    """Pixels per latent cell, along each axis."""

    @property
    def frames(self) -> int:
        """Number of frames."""
        return len(self.latent)

    @property
    def latent_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of one latent, padding included."""
        _, channels, height, width = self.latent.shape
        return channels, height, width

    @property
    def content(self) -> tuple[float, float]:
        """Cells of picture, without padding."""
        return self.worked[0] / self.factor, self.worked[1] / self.factor

    def select(self, frames: Sequence[int]) -> EncodedCondition:
        """Some of the frames, by position."""
        return replace(self, latent=self.latent[list(frames)])

    def crop(self, window: Window) -> EncodedCondition:
        """A rectangle of the latent grid; `content` goes on speaking of the whole."""
        rows = slice(window.top, window.top + window.height)
        columns = slice(window.left, window.left + window.width)
        return replace(self, latent=self.latent[:, :, rows, columns])


def of_encoded(condition: Condition) -> EncodedCondition:
    """`condition`, which a model gets back from the method; raises TypeError when another family made it."""
    if not isinstance(condition, EncodedCondition):
        raise TypeError(f"the condition is a {type(condition).__name__}, made by another family")
    return condition


def resized(low: Tensor, longest: int) -> Tensor:
    """`low` [F, 3, h, w], its longer side brought to `longest` px as MarigoldDepthPipeline does; 0 leaves it as it is.

    What is not a number becomes black before it can spread to its neighbours.
    """
    if longest == 0:
        return low
    height, width = low.shape[2:]
    most = max(height, width)
    size = max(1, height * longest // most), max(1, width * longest // most)
    finite = low.nan_to_num(nan=0.0, posinf=1.0, neginf=0.0).clamp(0, 1)
    return F.interpolate(finite, size, mode="bilinear", antialias=True)
