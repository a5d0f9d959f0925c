"""Description of the LDM-SR family, as data; numbers of the published 4x model."""

from __future__ import annotations

from answerprint.backends.info import ETA, BackendInfo
from answerprint.backends.precision import COMPILE, PRECISION
from answerprint.temporal.presets import PUBLISHED

__all__ = ["INFO"]

INFO = BackendInfo(
    family="ldm_sr",
    summary="latent diffusion super-resolution (CompVis LDM-SR)",
    tasks=("sr",),
    scale=4,
    latent_channels=3,
    latent_factor=4,
    multiple_of=8,
    samplers=("ddim", "ddpm", "dpm++", "dpm++sde"),
    default_steps=50,
    tile_cells=128,
    # Measured on the published architecture (float32, CPU): the network takes 16 kB per cell and frame; the decoder
    # 80 to 110 kB per cell, for one frame at a time, which is less than the network takes for 6 frames or more.
    bytes_per_cell=20_000,
    # As for sd_x4: self-attention at the coarsest scale only, and latents in which no tolerance separates motion from
    # texture. With the common defaults only the noise links frames: with random weights on a pan, E_warp relative to
    # per-frame was 1.03 with those, and is 0.84 with these (measured).
    method=(*PUBLISHED.items(), ("merge_max_scale", "8")),
    options=(ETA, PRECISION, COMPILE),
)
