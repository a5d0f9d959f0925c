"""Description of the family, as data."""

from __future__ import annotations

from answerprint.backends.guidance import PROMPT
from answerprint.backends.info import BackendInfo
from answerprint.backends.precision import COMPILE, PRECISION
from answerprint.temporal.presets import PUBLISHED

__all__ = ["INFO"]

INFO = BackendInfo(
    family="sd_one_step",
    summary="Stable Diffusion fine-tuned to restore in one step (OSEDiff): the fastest of the large models",
    tasks=("sr",),
    scale=4,
    latent_channels=4,
    latent_factor=8,
    multiple_of=8,
    samplers=("one-step",),
    default_steps=1,
    most_steps=1,
    tile_cells=128,
    bytes_per_cell=120_000,
    options=(PROMPT, PRECISION, COMPILE),
    method=tuple(PUBLISHED.items()),
    sees="latent",
)
