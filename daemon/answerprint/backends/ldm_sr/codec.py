"""Decode VQ latents in bounded memory."""

from __future__ import annotations

import torch
from diffusers import VQModel
from torch import Tensor

__all__ = ["decode", "nearest_codes"]

_CELLS_AT_ONCE = 16_384
"""Cells compared with all codebook entries at once: 0.5 GiB with the published 8192 entries."""


def nearest_codes(codec: VQModel, latent: Tensor) -> Tensor:
    """The nearest codebook entries of `latent` [B, C, h, w], computed in blocks of rows.

    Cells are quantised independently, so blocks only save memory: for a 1080p latent all distances at once would take
    63 GiB.
    """
    rows = max(1, _CELLS_AT_ONCE // (latent.shape[0] * latent.shape[3]))
    return torch.cat([codec.quantize(block)[0] for block in torch.split(latent, rows, dim=2)], dim=2)


def decode(codec: VQModel, latent: Tensor) -> Tensor:
    """Pictures [B, 3, factor h, factor w] in about [-1, 1], not clamped, from latents [B, C, h, w]."""
    if codec.config.lookup_from_codebook:
        # diffusers would then treat `h` as indices; such models quantise internally and are small.
        whole: Tensor = codec.decode(latent, return_dict=False)[0]
        return whole
    out: Tensor = codec.decode(nearest_codes(codec, latent), force_not_quantize=True, return_dict=False)[0]
    return out
