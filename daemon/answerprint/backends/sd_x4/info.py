"""Description of the SD x4 upscaler, as data; numbers of the published model."""

from __future__ import annotations

from answerprint.backends.guidance import GUIDANCE, GUIDANCE_STOP, NEGATIVE_PROMPT, PROMPT
from answerprint.backends.info import ETA, BackendInfo
from answerprint.backends.precision import COMPILE, PRECISION
from answerprint.option import Option
from answerprint.temporal.presets import PUBLISHED

__all__ = ["GUIDANCE", "GUIDANCE_STOP", "INFO", "NEGATIVE_PROMPT", "NOISE_LEVEL", "PROMPT"]

NOISE_LEVEL = Option(
    name="noise_level",
    kind="int",
    default=20,
    help="Noise added to the source to hide its defects: more gives freer detail, less stays closer to the source.",
    group="basic",
    minimum=0,
    maximum=350,
)

INFO = BackendInfo(
    family="sd_x4",
    summary="Stable Diffusion x4 upscaler, with prompts",
    tasks=("sr",),
    scale=4,
    largest_scale=16,
    latent_channels=4,
    latent_factor=4,
    multiple_of=8,
    samplers=("ddim", "ddpm", "dpm++", "dpm++sde"),
    default_steps=50,
    # The published network was trained on 128 x 128 cells.
    tile_cells=128,
    # Measured on the published architecture (float32, CPU): the network takes 20 kB per cell and frame, and twice that
    # with guidance; the decoder 55 kB per cell, for one frame at a time and one window of at most 256 x 256.
    bytes_per_cell=40_000,
    # Its self-attention is at the coarsest scale only. In latents of autoencoders neighbours differ by more than in
    # pictures: no tolerance is known that would separate motion from texture.
    method=(*PUBLISHED.items(), ("merge_max_scale", "8")),
    options=(ETA, PROMPT, NEGATIVE_PROMPT, GUIDANCE, GUIDANCE_STOP, NOISE_LEVEL, PRECISION, COMPILE),
)
