"""Description of the family, as data."""

from __future__ import annotations

from answerprint.backends.info import BackendInfo

__all__ = ["INFO"]

INFO = BackendInfo(
    family="identity",
    summary="returns every picture as it is, so that files can be tested apart from any model",
    tasks=("sr", "denoise"),
    scale=1,
    largest_scale=16,
    latent_channels=3,
    latent_factor=1,
    multiple_of=1,
    samplers=("one-step",),
    default_steps=1,
    most_steps=1,
    tile_cells=0,
    bytes_per_cell=60,
    method=(("consistency", "off"),),
    hidden=True,
)
