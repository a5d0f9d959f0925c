"""Sizes of published networks in diffusers' layout, and the names that their files have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

SD2_UNET: dict[str, Any] = {
    "attention_head_dim": (5, 10, 20, 20),
    "cross_attention_dim": 1024,
    "sample_size": 96,
    "use_linear_projection": True,
}
"""Stable Diffusion 2's; the rest is diffusers' default."""

MARIGOLD_UNET: dict[str, Any] = {**SD2_UNET, "in_channels": 8}
"""The same with a wider entry."""

SD2_CODEC: dict[str, Any] = {
    "block_out_channels": (128, 256, 512, 512),
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "latent_channels": 4,
    "layers_per_block": 2,
    "sample_size": 768,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
}

LDM_UNET: dict[str, Any] = {
    "attention_head_dim": 32,
    "block_out_channels": (160, 320, 320, 640),
    "down_block_types": (*("DownBlock2D",) * 3, "AttnDownBlock2D"),
    "in_channels": 6,
    "layers_per_block": 2,
    "out_channels": 3,
    "sample_size": 64,
    "up_block_types": ("AttnUpBlock2D", *("UpBlock2D",) * 3),
}

LDM_CODEC: dict[str, Any] = {
    "block_out_channels": (128, 256, 512),
    "down_block_types": ("DownEncoderBlock2D",) * 3,
    "latent_channels": 3,
    "layers_per_block": 2,
    "num_vq_embeddings": 8192,
    "sample_size": 256,
    "up_block_types": ("UpDecoderBlock2D",) * 3,
}

_NAMES_OF_2022 = {".to_q.": ".query.", ".to_k.": ".key.", ".to_v.": ".value.", ".to_out.0.": ".proj_attn."}


def aged(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights of a codec, or of a network without text, under the names that diffusers gave attention in 2022."""
    out = {}
    for name, tensor in weights.items():
        for now, before in _NAMES_OF_2022.items():
            name = name.replace(now, before)
        out[name] = tensor
    return out
