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
    # The frames of a window as they are drawn, before windows are blended.
    bytes_per_cell=200,
    # Measured on the published animevideov3 (float32, CPU; the second of two chunks, by VmHWM stage by stage, with
    # MALLOC_MMAP_THRESHOLD_ so low that what is freed is given back): 3360, 4120 and 5410 bytes a cell in chunks of 2,
    # 4 and 8. Of a chunk that is the latents and the sources; of the frame at work the most is taken by its warping
    # (2700), then by the network (2800, but of a window alone) and by back-projection (2000).
    held_per_cell=(340, 2_700),
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
