"""The SD x4 upscaler with random weights, small enough that a forward pass takes milliseconds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel

from answerprint.backends.sd_x4.adapter import SdX4Backend
from answerprint.weights.manifest import Manifest
from answerprint.weights.write_manifest import write_manifest
from backends.builders import CPU
from backends.builders_text import WIDTH, small_text, write_text

SCHEDULER: dict[str, Any] = {
    "_class_name": "DDIMScheduler",
    "beta_end": 0.02,
    "beta_schedule": "scaled_linear",
    "beta_start": 0.0001,
    "clip_sample": False,
    "num_train_timesteps": 1000,
    "prediction_type": "v_prediction",
    "set_alpha_to_one": False,
    "skip_prk_steps": True,
    "steps_offset": 1,
    "trained_betas": None,
}
LOW_RES_SCHEDULER: dict[str, Any] = {
    "_class_name": "DDPMScheduler",
    "beta_end": 0.02,
    "beta_schedule": "scaled_linear",
    "beta_start": 0.0001,
    "clip_sample": True,
    "num_train_timesteps": 1000,
    "prediction_type": "epsilon",
    "trained_betas": None,
    "variance_type": "fixed_small",
}
"""Both as published: https://huggingface.co/stabilityai/stable-diffusion-x4-upscaler."""

FULL_UNET: dict[str, Any] = {
    "attention_head_dim": 8,
    "block_out_channels": (256, 512, 512, 1024),
    "cross_attention_dim": 1024,
    "down_block_types": ("DownBlock2D", *("CrossAttnDownBlock2D",) * 3),
    "in_channels": 7,
    "layers_per_block": 2,
    "num_class_embeds": 1000,
    "only_cross_attention": (True, True, True, False),
    "out_channels": 4,
    "sample_size": 128,
    "up_block_types": (*("CrossAttnUpBlock2D",) * 3, "UpBlock2D"),
    "use_linear_projection": True,
}
FULL_CODEC: dict[str, Any] = {
    "block_out_channels": (128, 256, 512),
    "down_block_types": ("DownEncoderBlock2D",) * 3,
    "latent_channels": 4,
    "layers_per_block": 2,
    "sample_size": 256,
    "scaling_factor": 0.08333,
    "up_block_types": ("UpDecoderBlock2D",) * 3,
}
"""Both as published, at the same address."""


def small_unet() -> UNet2DConditionModel:
    """A UNet with cross-attention alone at scale 2, self-attention at scale 4 and in the middle, as the full one."""
    return UNet2DConditionModel(
        **FULL_UNET
        | {
            "attention_head_dim": 2,
            "block_out_channels": (16, 32, 32),
            "cross_attention_dim": WIDTH,
            "down_block_types": ("DownBlock2D", *("CrossAttnDownBlock2D",) * 2),
            "layers_per_block": 1,
            "norm_num_groups": 4,
            "only_cross_attention": (True, True, False),
            "up_block_types": (*("CrossAttnUpBlock2D",) * 2, "UpBlock2D"),
        }
    )


def small_codec() -> AutoencoderKL:
    """An f4 codec."""
    return AutoencoderKL(
        **FULL_CODEC | {"block_out_channels": (8, 16, 16), "layers_per_block": 1, "norm_num_groups": 4}
    )


def small_parts(seed: int = 0) -> tuple[UNet2DConditionModel, AutoencoderKL]:
    """Network and codec, drawn so that text, noise level and pixels all move the result by more than rounding."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        unet, codec = small_unet().eval(), small_codec().eval()
        for name, weight in unet.named_parameters():
            if ".attn" in name or "conv_in" in name:
                weight.data.mul_(2)
        codec.decoder.conv_out.weight.data.mul_(2)
    return unet, codec


def small_sd_x4(seed: int = 0) -> SdX4Backend:
    """sd_x4 with the parts that `write_sd_x4` writes for the same seed."""
    return SdX4Backend(*small_parts(seed), small_text(seed), SCHEDULER, LOW_RES_SCHEDULER, CPU)


def write_sd_x4(folder: Path, seed: int = 0) -> None:
    """A model's folder in the published layout, sealed."""
    unet, codec = small_parts(seed)
    unet.save_pretrained(folder / "unet")
    codec.save_pretrained(folder / "vae")
    for name, config in (("scheduler", SCHEDULER), ("low_res_scheduler", LOW_RES_SCHEDULER)):
        (folder / name).mkdir()
        (folder / name / "scheduler_config.json").write_text(json.dumps(config))
    write_text(folder, seed)
    index = {
        "_class_name": "StableDiffusionUpscalePipeline",
        "_diffusers_version": "0.9.0.dev0",
        "low_res_scheduler": ["diffusers", "DDPMScheduler"],
        "max_noise_level": 350,
        "scheduler": ["diffusers", "DDIMScheduler"],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
    }
    (folder / "model_index.json").write_text(json.dumps(index))
    write_manifest(folder, Manifest(folder.name, "sd_x4", "1", "openrail++", "random weights", 4, ()))
