"""What a network is without its self-attention."""

from __future__ import annotations

import torch
from torch import Tensor

from answerprint.temporal.protocols import AttentionOps, TokenLayer

__all__ = ["Silent"]


class Silent:
    """A hook that takes all self-attention away."""

    def __call__(self, layer: TokenLayer, tokens: Tensor, ops: AttentionOps) -> Tensor | None:
        """Zeros, where the layer's output would be."""
        return torch.zeros_like(tokens)
