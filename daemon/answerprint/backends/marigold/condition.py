"""What Marigold's network is told of frames: their latents, beside those of the depth to be found."""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from answerprint.backends.latent import LatentCondition

__all__ = ["EncodedCondition", "resized"]


@dataclass(frozen=True, slots=True)
class EncodedCondition(LatentCondition):
    """Encoded frames at the size at which the network works."""

    source: tuple[int, int]
    """Height and width, px, of the source."""


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
