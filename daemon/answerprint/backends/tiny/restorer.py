"""The first stage of tiny-x4: a small convolutional network that restores and enlarges, without generating detail.

It predicts the mean of the possible pictures; the diffusion model adds the detail that a mean lacks. The split follows
DiffBIR: a restoration module, then generation.
"""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["RESTORER_CONFIG", "ResidualRestorer"]

RESTORER_CONFIG: dict[str, Any] = {"channels": 64, "blocks": 6, "scale": 4}


class _Block(nn.Module):
    """Two convolutions with a skip connection."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """[B, channels, h, w]."""
        out: Tensor = x + self.second(F.relu(self.first(x)))
        return out


class ResidualRestorer(nn.Module):
    """Restored, enlarged picture: bicubic enlargement plus a learned correction."""

    def __init__(self, channels: int, blocks: int, scale: int) -> None:
        super().__init__()
        self.scale = scale
        self.head = nn.Conv2d(3, channels, 3, padding=1)
        self.body = nn.Sequential(*(_Block(channels) for _ in range(blocks)))
        self.tail = nn.Conv2d(channels, 3 * scale * scale, 3, padding=1)
        # Training starts from the bicubic enlargement.
        nn.init.zeros_(self.tail.weight)
        if self.tail.bias is not None:
            nn.init.zeros_(self.tail.bias)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> ResidualRestorer:
        """Network from a configuration file. Raises TypeError for invalid arguments."""
        return cls(**config)

    def forward(self, low: Tensor) -> Tensor:
        """[B, 3, scale h, scale w] from `low` [B, 3, h, w], both on the [-1, 1] scale, not clamped."""
        features = self.head(low)
        correction = F.pixel_shuffle(self.tail(features + self.body(features)), self.scale)
        base = F.interpolate(low, scale_factor=float(self.scale), mode="bicubic", align_corners=False)
        out: Tensor = base + correction
        return out
