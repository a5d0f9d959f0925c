"""Marigold with random weights, small enough that a forward pass takes milliseconds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, DDIMScheduler, LCMScheduler, MarigoldDepthPipeline, UNet2DConditionModel
from torch import nn
from transformers import CLIPTokenizer

from answerprint.backends.marigold.adapter import MarigoldBackend
from answerprint.backends.text import Text
from answerprint.weights.manifest import Manifest
from answerprint.weights.write_manifest import write_manifest
from backends.builders import CPU
from backends.builders_text import BEGIN, END, MERGES, WIDTH, small_text_encoder, small_vocabulary, write_text

MARIGOLD_SCHEDULER: dict[str, Any] = {
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "clip_sample": False,
    "prediction_type": "v_prediction",
    "set_alpha_to_one": False,
    "steps_offset": 1,
}
"""As the published version 1.0 has it."""

NEWER: dict[str, Any] = {"timestep_spacing": "trailing", "rescale_betas_zero_snr": True}
"""What version 1.1 changed: its first step starts from noise alone."""


def small_unet() -> UNet2DConditionModel:
    """A UNet with self-attention at scales 1 and 2 and in the middle."""
    return UNet2DConditionModel(
        in_channels=8,
        out_channels=4,
        block_out_channels=(16, 32),
        down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
        layers_per_block=1,
        attention_head_dim=(2, 4),
        use_linear_projection=True,
        cross_attention_dim=WIDTH,
        norm_num_groups=8,
    )


def small_codec() -> AutoencoderKL:
    """An f4 codec whose pictures vary by more than rounding."""
    codec = AutoencoderKL(
        block_out_channels=(8, 16, 16),
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        latent_channels=4,
        norm_num_groups=4,  # a channel that is a group of its own would not feel its bias
        sample_size=32,
    )
    nn.init.normal_(codec.decoder.conv_out.weight, std=0.2)
    nn.init.normal_(codec.encoder.conv_out.weight, std=0.5)
    return codec


def small_tokenizer() -> CLIPTokenizer:
    """The tokenizer of `write_text`, without files."""
    ends = {"bos_token": BEGIN, "eos_token": END, "unk_token": END, "pad_token": "!"}
    return CLIPTokenizer(vocab=small_vocabulary(), merges=list(MERGES), model_max_length=77, **ends)


def small_marigold_pipeline(
    seed: int = 0,
    *,
    resolution: int = 0,
    lcm: bool = False,
    **scheduler: Any,  # noqa: ANN401
) -> MarigoldDepthPipeline:
    """diffusers' own pipeline around random networks; `resolution` is what it works at by default."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        parts = small_unet().eval(), small_codec().eval()
    schedule = (LCMScheduler if lcm else DDIMScheduler)(**MARIGOLD_SCHEDULER | scheduler)
    pipeline = MarigoldDepthPipeline(
        *parts,
        schedule,
        small_text_encoder(seed),
        small_tokenizer(),
        prediction_type="depth",
        default_denoising_steps=4,
        default_processing_resolution=resolution,
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def backend_of(pipeline: MarigoldDepthPipeline) -> MarigoldBackend:
    """A backend around a pipeline's own parts."""
    return MarigoldBackend(
        pipeline.unet,
        pipeline.vae,
        Text(pipeline.tokenizer, pipeline.text_encoder),
        {"_class_name": type(pipeline.scheduler).__name__, **pipeline.scheduler.config},
        CPU,
        resolution=int(pipeline.default_processing_resolution),
        steps=int(pipeline.default_denoising_steps),
    )


def small_marigold(seed: int = 0) -> MarigoldBackend:
    """marigold with random weights, working at the source's own size."""
    return backend_of(small_marigold_pipeline(seed))


def save_marigold(folder: Path, seed: int = 0, *, resolution: int = 0) -> None:
    """The folder of `small_marigold_pipeline`, in the layout of published ones, sealed."""
    pipeline = small_marigold_pipeline(seed, resolution=resolution)
    write_text(folder, seed)
    for part in ("unet", "vae", "scheduler"):
        getattr(pipeline, part).save_pretrained(folder / part)
    index = {
        "_class_name": "MarigoldDepthPipeline",
        "default_denoising_steps": 4,
        "default_processing_resolution": resolution,
        "prediction_type": "depth",
    }
    (folder / "model_index.json").write_text(json.dumps(index))
    write_manifest(folder, Manifest(folder.name, "marigold", "1", "Apache-2.0", "random weights", 1, ()))
