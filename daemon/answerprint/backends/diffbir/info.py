"""Description of the DiffBIR family, as data; numbers of the published v2 on Stable Diffusion 2.1."""

from __future__ import annotations

from dataclasses import replace

from answerprint.backends.guidance import GUIDANCE, GUIDANCE_STOP, NEGATIVE_PROMPT, PROMPT
from answerprint.backends.info import ETA, BackendInfo
from answerprint.backends.precision import COMPILE, PRECISION
from answerprint.option import Option
from answerprint.temporal.presets import PUBLISHED

__all__ = ["INFO", "SPACED"]

SPACED = "ddpm-spaced"
"""The sampler of the published code: ancestral steps between evenly spaced timesteps."""

_TASK = Option(
    name="task",
    kind="choice",
    choices=("sr", "denoise", "face"),
    default="sr",
    help="Purpose of the first restoration: super-resolution (sr), denoising (denoise) or faces (face).",
    group="basic",
)
_ENLARGE = Option(
    name="enlarge",
    kind="int",
    default=0,
    help="Enlargement before the diffusion model; 0 chooses it by the output size.",
    minimum=0,
    maximum=4,
)
_STAGE_1 = Option(
    name="stage1",
    kind="choice",
    choices=("model", "none"),
    default="model",
    help="First stage: a restoration network (model), or plain enlargement (none).",
)
_FIDELITY = Option(
    name="fidelity",
    kind="float",
    default=0.0,
    help="How closely smooth areas follow the first restoration: 0 leaves the model free, 1 adds least detail.",
    group="basic",
    minimum=0,
    maximum=1,
)

INFO = BackendInfo(
    family="diffbir",
    summary="DiffBIR: a restoration network, then Stable Diffusion 2.1 with a ControlNet",
    tasks=("sr", "denoise", "face"),
    scale=4,
    task_scales=(("denoise", 1), ("face", 1)),
    scale_option="enlarge",
    latent_channels=4,
    latent_factor=8,
    multiple_of=8,
    samplers=(SPACED, "ddim", "ddpm", "dpm++", "dpm++sde"),
    default_steps=50,
    tile_cells=128,
    # Measured on the published architecture (float32, CPU): the networks take 106 kB per cell and frame with guidance;
    # the decoder 257 kB per cell, for one frame at a time and one window of at most 256 x 256.
    bytes_per_cell=110_000,
    options=(
        _TASK,
        _ENLARGE,
        _STAGE_1,
        _FIDELITY,
        PROMPT,
        replace(NEGATIVE_PROMPT, default="low quality, blurry, low-resolution, noisy, unsharp, weird textures"),
        replace(GUIDANCE, default=4.0),
        GUIDANCE_STOP,
        ETA,
        PRECISION,
        COMPILE,
    ),
    method=tuple(PUBLISHED.items()),
    sees="latent",
)
