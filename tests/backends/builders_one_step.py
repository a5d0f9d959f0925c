"""sd_one_step with random weights, small enough that a forward pass takes milliseconds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel

from answerprint.backends.sd_one_step.adapter import SdOneStepBackend
from answerprint.weights.manifest import Manifest
from answerprint.weights.write_manifest import write_manifest
from backends.builders import CPU
from backends.builders_text import WIDTH, small_text, write_text

SCHEDULER: dict[str, Any] = {
    "_class_name": "DDPMScheduler",
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "num_train_timesteps": 1000,
    "prediction_type": "epsilon",
}
"""As Stable Diffusion 2.1 has it."""


def small_parts(seed: int = 0) -> tuple[UNet2DConditionModel, AutoencoderKL]:
    """Network and codec; attention and first layer are drawn so that text and picture move the result."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        unet = UNet2DConditionModel(
            in_channels=4,
            out_channels=4,
            block_out_channels=(16, 32, 32),
            layers_per_block=1,
            attention_head_dim=2,
            cross_attention_dim=WIDTH,
            down_block_types=(*("CrossAttnDownBlock2D",) * 2, "DownBlock2D"),
            up_block_types=("UpBlock2D", *("CrossAttnUpBlock2D",) * 2),
            norm_num_groups=4,
            use_linear_projection=True,
        ).eval()
        codec = AutoencoderKL(
            block_out_channels=(8, 8, 16, 16),
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            latent_channels=4,
            layers_per_block=1,
            norm_num_groups=4,
            scaling_factor=0.18215,
        ).eval()
        for name, weight in unet.named_parameters():
            if ".attn" in name or "conv_in" in name:
                weight.data.mul_(2)
    return unet, codec


def small_one_step(seed: int = 0) -> SdOneStepBackend:
    """sd_one_step with the parts that `write_one_step` writes for the same seed."""
    return SdOneStepBackend(*small_parts(seed), small_text(seed), SCHEDULER, CPU)


def write_one_step(folder: Path, seed: int = 0) -> None:
    """A model's folder in diffusers' layout, sealed."""
    unet, codec = small_parts(seed)
    unet.save_pretrained(folder / "unet")
    codec.save_pretrained(folder / "vae")
    (folder / "scheduler").mkdir()
    (folder / "scheduler" / "scheduler_config.json").write_text(json.dumps(SCHEDULER))
    write_text(folder, seed)
    (folder / "model_index.json").write_text(json.dumps({"_class_name": "StableDiffusionPipeline"}))
    write_manifest(folder, Manifest(folder.name, "sd_one_step", "1", "openrail++", "random weights", 4, ()))
