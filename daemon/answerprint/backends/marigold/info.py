"""What the Marigold family is, as data; numbers are those of the published models on Stable Diffusion 2."""

from __future__ import annotations

from answerprint.backends.depth import DEPTH_OPTIONS
from answerprint.backends.info import ETA, BackendInfo
from answerprint.backends.precision import COMPILE, PRECISION
from answerprint.option import Option
from answerprint.temporal.presets import PUBLISHED

__all__ = ["INFO", "LARGEST_SIDE", "RESOLUTION"]

LARGEST_SIDE = 16384
"""Pixels that depth can be asked to be found at."""

RESOLUTION = Option(
    name="processing_resolution",
    kind="int",
    default=768,
    help="Longer side at which depth is found; 0 is the source's own: finer edges, but near and far less sure.",
    minimum=0,
    maximum=LARGEST_SIDE,
    unit="pixels",
)

INFO = BackendInfo(
    family="marigold",
    summary="depth from video (UNet beside the encoded frame); takes 1 to 4 steps, version 1.0 wants 50",
    tasks=("depth",),
    scale=1,
    latent_channels=4,
    latent_factor=8,
    multiple_of=8,
    samplers=("own", "ddim", "lcm", "ddpm", "dpm++", "dpm++sde"),
    default_steps=4,
    draft_steps=1,
    best_steps=10,
    # Never split: what a part of a picture says of its own depth is not on the scale of the next part's.
    tile_cells=0,
    # Reckoned from the published architecture in float32, not measured: some thirty buffers of 320 channels in the
    # network; the decoder's four of 128 channels in 64 pixels, of one frame at a time, are outweighed by a chunk.
    bytes_per_cell=40_000,
    # Measured with random weights on a pan, E_warp beside per-frame: 0.24 to 0.35 so, 0.61 to 0.84 with the defaults,
    # for latents of neighbouring frames differ by more than any tolerance that pictures have.
    method=tuple(PUBLISHED.items()),
    options=(RESOLUTION, *DEPTH_OPTIONS, ETA, PRECISION, COMPILE),
    gives="depth",
    sees="latent",
    partial_tokens=True,
    side_option=RESOLUTION.name,
)
