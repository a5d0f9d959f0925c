"""Description of the Marigold family, as data; numbers of the published models on Stable Diffusion 2."""

from __future__ import annotations

from answerprint.backends.depth import DEPTH_OPTIONS
from answerprint.backends.info import ETA, BackendInfo
from answerprint.backends.precision import COMPILE, PRECISION
from answerprint.option import Option
from answerprint.temporal.presets import PUBLISHED

__all__ = ["INFO", "LARGEST_SIDE", "RESOLUTION"]

LARGEST_SIDE = 16384
"""Largest processing resolution, px."""

RESOLUTION = Option(
    name="processing_resolution",
    kind="int",
    default=768,
    help="Longer side for depth estimation; 0 is the source's: finer edges, but less reliable overall depth.",
    minimum=0,
    maximum=LARGEST_SIDE,
    unit="pixels",
)

INFO = BackendInfo(
    family="marigold",
    summary="depth estimation (Marigold) in 1 to 4 steps; version 1.0 needs 50",
    tasks=("depth",),
    scale=1,
    latent_channels=4,
    latent_factor=8,
    multiple_of=8,
    samplers=("own", "ddim", "lcm", "ddpm", "dpm++", "dpm++sde"),
    default_steps=4,
    draft_steps=1,
    best_steps=10,
    # Never tiled: the depth of different parts of a picture would have different scales.
    tile_cells=0,
    # Estimated from the published architecture in float32, not measured: some thirty buffers of 320 channels in the
    # network; the decoder's four of 128 channels in 64 pixels, for one frame at a time, are less than a chunk's.
    bytes_per_cell=40_000,
    # E_warp relative to per-frame, with random weights on a pan: 0.24 to 0.35 with these, 0.61 to 0.84 with the common
    # defaults, because latents of neighbouring frames differ by more than any tolerance for pictures (measured).
    method=tuple(PUBLISHED.items()),
    options=(RESOLUTION, *DEPTH_OPTIONS, ETA, PRECISION, COMPILE),
    gives="depth",
    sees="latent",
    partial_tokens=True,
    side_option=RESOLUTION.name,
)
