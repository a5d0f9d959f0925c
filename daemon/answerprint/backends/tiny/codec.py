"""The latent of tiny-x4: a space-to-depth residual, without a learned autoencoder.

A picture at the output size is the base, which the first stage computes from the low-resolution frame, plus a residual.
The latent is that residual with each `PATCH` x `PATCH` cell of pixels moved into channels, divided by `RESIDUAL_STD` so
that its standard deviation is about one. Encoding and decoding are exact inverses.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = [
    "CONDITION_CHANNELS",
    "LATENT_CHANNELS",
    "PATCH",
    "RESIDUAL_STD",
    "SCALE",
    "condition",
    "decode",
    "encode",
]

SCALE = 4
PATCH = 8
LATENT_CHANNELS = 3 * PATCH * PATCH
CONDITION_CHANNELS = 3 * (PATCH // SCALE) ** 2 + LATENT_CHANNELS
RESIDUAL_STD = 0.07
"""Standard deviation, on the [-1, 1] scale, of training pictures' residuals, to within a factor of two."""


def condition(low: Tensor, base: Tensor) -> Tensor:
    """The network's conditioning [B, 204, h/2, w/2] from `low` [B, 3, h, w] and `base` [B, 3, 4 h, 4 w].

    Both in [-1, 1]; h and w are even.
    """
    return torch.cat([F.pixel_unshuffle(low, PATCH // SCALE), F.pixel_unshuffle(base, PATCH)], 1)


def encode(picture: Tensor, base: Tensor) -> Tensor:
    """Latent [B, 192, H/8, W/8] of `picture` above `base`, both [B, 3, H, W] in [-1, 1]."""
    return F.pixel_unshuffle((picture - base).div_(RESIDUAL_STD), PATCH)


def decode(latent: Tensor, base: Tensor) -> Tensor:
    """Picture [B, 3, H, W] (not clamped) of `latent` [B, 192, H/8, W/8] above `base` [B, 3, H, W]."""
    return F.pixel_shuffle(latent, PATCH) * RESIDUAL_STD + base
