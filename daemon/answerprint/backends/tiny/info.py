"""Description of tiny-x4, as data."""

from __future__ import annotations

from answerprint.backends.info import ETA, BackendInfo

__all__ = ["INFO"]

INFO = BackendInfo(
    family="tiny",
    summary="small conditional diffusion model for 4x restoration; runs on a CPU",
    tasks=("sr",),
    scale=4,
    latent_channels=192,
    latent_factor=8,
    multiple_of=2,
    samplers=("ddim", "ddpm", "dpm++", "dpm++sde"),
    default_steps=6,
    draft_steps=2,
    best_steps=12,
    tile_cells=160,
    bytes_per_cell=60_000,
    options=(ETA,),
)
