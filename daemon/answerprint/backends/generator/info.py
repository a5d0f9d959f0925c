"""What the family is, as data."""

from __future__ import annotations

from answerprint.backends.info import BackendInfo
from answerprint.backends.precision import COMPILE, PRECISION

__all__ = ["INFO"]

INFO = BackendInfo(
    family="generator",
    summary="networks that draw a sharp picture in one pass (of the kind of Real-ESRGAN); quick on a plain computer",
    tasks=("sr", "denoise"),
    scale=4,
    latent_channels=48,
    latent_factor=4,
    multiple_of=1,
    scales=(1, 2, 3, 4),
    samplers=("one-step",),
    default_steps=1,
    most_steps=1,
    # A whole frame of standard definition; on a card of 8 GB a chunk of such tiles fits.
    tile_cells=768,
    # Measured on the published x4plus-anime and animevideov3 (float32, CPU): 1700 with the latents of the method, in
    # chunks of 4 and 8; the network itself takes 2800 per cell, of one frame at a time.
    bytes_per_cell=2_000,
    options=(PRECISION, COMPILE),
    method=(
        ("warp_strength", "1"),
        ("warp_source", "key"),
        ("warp_tolerance", "0.1"),
        ("warp_sampling", "sharp"),
        ("back_projection", "1"),
        ("merge", "off"),
    ),
    task_scales=(("denoise", 1),),
    # Measured on frames of the demo's clips: 56 dB and more with the weights of x4plus, x4plus-anime and animevideov3.
    half_is_equal=True,
)
