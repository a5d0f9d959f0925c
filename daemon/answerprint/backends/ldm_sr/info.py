"""What the LDM-SR family is, as data; numbers are those of the published 4x model."""

from __future__ import annotations

from answerprint.backends.info import ETA, BackendInfo
from answerprint.backends.precision import COMPILE, PRECISION
from answerprint.temporal.presets import PUBLISHED

__all__ = ["INFO"]

INFO = BackendInfo(
    family="ldm_sr",
    summary="latent diffusion super-resolution (UNet beside low-resolution pixels, VQ codec)",
    tasks=("sr",),
    scale=4,
    latent_channels=3,
    latent_factor=4,
    multiple_of=8,
    samplers=("ddim", "ddpm", "dpm++", "dpm++sde"),
    default_steps=50,
    tile_cells=128,
    # Measured on the published architecture (float32, CPU): the network takes 16 kB per cell and frame; the decoder
    # 80 to 110 kB per cell, of one frame at a time, which chunks of 6 frames and more outweigh.
    bytes_per_cell=20_000,
    # As sd_x4's: self-attention at the coarsest scale only, and a latent in which no tolerance tells motion from
    # texture. With the common defaults nothing but the noise ties frames together: measured with random weights on a
    # pan, E_warp beside per-frame was 1.03 so, and is 0.84 with these.
    method=(*PUBLISHED.items(), ("merge_max_scale", "8")),
    options=(ETA, PRECISION, COMPILE),
)
