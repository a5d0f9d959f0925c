"""Models of every family with random weights, small enough that a forward pass takes milliseconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from diffusers import DDIMScheduler, UNet2DModel, VQModel

# By its module: diffusers' top level hides it where transformers is not installed, though it needs none of it.
from diffusers.pipelines.latent_diffusion.pipeline_latent_diffusion_superresolution import (
    LDMSuperResolutionPipeline,
)

from answerprint.backends.ldm_sr.adapter import LdmSrBackend
from answerprint.backends.tiny.adapter import TinyBackend
from answerprint.backends.tiny.network import NETWORK_CONFIG, SCHEDULER_CONFIG, build_network
from answerprint.backends.tiny.restorer import ResidualRestorer
from answerprint.weights.manifest import Manifest
from answerprint.weights.write_manifest import write_manifest

CPU = torch.device("cpu")

SMALL_TINY: dict[str, Any] = {
    **NETWORK_CONFIG,
    "block_out_channels": (32, 48),
    "attention_head_dim": (2, 3),
    "norm_num_groups": 8,
}

LDM_SCHEDULER: dict[str, Any] = {
    "num_train_timesteps": 1000,
    "beta_start": 0.0015,
    "beta_end": 0.0155,
    "beta_schedule": "scaled_linear",
    "clip_sample": False,
    "set_alpha_to_one": False,
}
"""As the published LDM-SR has it; it is older than `prediction_type`."""


def small_tiny(seed: int = 0) -> TinyBackend:
    """tiny with random weights."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return TinyBackend(
            build_network(SMALL_TINY), ResidualRestorer(channels=8, blocks=1, scale=4), SCHEDULER_CONFIG, CPU
        )


def small_unet() -> UNet2DModel:
    """A UNet with attention at scales 2 and 4 and in the middle."""
    return UNet2DModel(
        in_channels=6,
        out_channels=3,
        block_out_channels=(16, 32, 32),
        down_block_types=("DownBlock2D", "AttnDownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "AttnUpBlock2D", "UpBlock2D"),
        layers_per_block=1,
        attention_head_dim=8,
        norm_num_groups=8,
    )


def small_codec() -> VQModel:
    """An f4 codec, with code words far enough apart that rounding does not choose between them."""
    codec = VQModel(
        block_out_channels=(8, 16, 16),
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        latent_channels=3,
        num_vq_embeddings=32,
        norm_num_groups=8,
    )
    codec.quantize.embedding.weight.data.normal_()
    return codec


def small_pipeline(seed: int = 0, **scheduler: Any) -> LDMSuperResolutionPipeline:  # noqa: ANN401
    """diffusers' own pipeline around random networks."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        parts = small_codec().eval(), small_unet().eval()
    pipeline = LDMSuperResolutionPipeline(*parts, DDIMScheduler.from_config(LDM_SCHEDULER | scheduler))
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def small_ldm_sr(seed: int = 0) -> LdmSrBackend:
    """ldm_sr with the networks that `small_pipeline` has for the same seed."""
    pipeline = small_pipeline(seed)
    return LdmSrBackend(pipeline.unet, pipeline.vqvae, dict(pipeline.scheduler.config), CPU)


def save_pipeline(pipeline: LDMSuperResolutionPipeline, folder: Path) -> None:
    """Write it as diffusers does, and write its manifest."""
    pipeline.save_pretrained(folder)
    write_manifest(folder, Manifest(folder.name, "ldm_sr", "1", "Apache-2.0", "random weights", 4, ()))


def low_frames(frames: int, height: int, width: int, seed: int = 0) -> torch.Tensor:
    """Noise pictures [F, 3, h, w] in [0, 1]."""
    return torch.rand(frames, 3, height, width, generator=torch.Generator().manual_seed(seed))
