"""The network of tiny-x4: a small conditional UNet with self-attention.

Down, middle and up blocks have transformer blocks at two scales, the finest at 1/8 of the output size, as in Stable
Diffusion, so results on token merging carry over to larger models.
"""

from __future__ import annotations

from typing import Any

from diffusers import UNet2DConditionModel

from answerprint.backends.tiny.codec import CONDITION_CHANNELS, LATENT_CHANNELS

__all__ = ["CONTEXT_WIDTH", "NETWORK_CONFIG", "SCHEDULER_CONFIG", "build_network"]

CONTEXT_WIDTH = 32
"""Width of the single zero token that replaces the text: cross-attention adds a learned constant."""

NETWORK_CONFIG: dict[str, Any] = {
    "in_channels": LATENT_CHANNELS + CONDITION_CHANNELS,
    "out_channels": LATENT_CHANNELS,
    "block_out_channels": (128, 192),
    "down_block_types": ("CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "mid_block_type": "UNetMidBlock2DCrossAttn",
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
    "layers_per_block": 1,
    "transformer_layers_per_block": 1,
    "attention_head_dim": (4, 6),  # diffusers reads this as the number of heads
    "cross_attention_dim": CONTEXT_WIDTH,
    "use_linear_projection": True,
    "norm_num_groups": 32,
}

SCHEDULER_CONFIG: dict[str, Any] = {
    "num_train_timesteps": 1000,
    "beta_schedule": "squaredcos_cap_v2",
    "prediction_type": "sample",
    "clip_sample": False,
    "timestep_spacing": "trailing",
    "rescale_betas_zero_snr": False,
    "steps_offset": 0,
    "set_alpha_to_one": True,
}


def build_network(config: dict[str, Any] | None = None) -> UNet2DConditionModel:
    """Network with random weights for `config` (`NETWORK_CONFIG` by default)."""
    return UNet2DConditionModel(**(NETWORK_CONFIG if config is None else config))
