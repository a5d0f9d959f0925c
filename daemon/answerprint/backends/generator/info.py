"""Description of the family, as data."""

from __future__ import annotations

from answerprint.backends.info import BackendInfo
from answerprint.backends.precision import COMPILE, PRECISION

__all__ = ["INFO"]

INFO = BackendInfo(
    family="generator",
    summary="one-step GAN networks such as Real-ESRGAN; fast, also on a CPU",
    tasks=("sr", "denoise"),
    scale=4,
    latent_channels=48,
    latent_factor=4,
    multiple_of=1,
    scales=(1, 2, 3, 4),
    samplers=("one-step",),
    default_steps=1,
    most_steps=1,
    # A whole standard-definition frame; a chunk of such tiles fits on an 8 GB GPU.
    tile_cells=768,
    # The output frames of a window, before blending.
    bytes_per_cell=200,
    # Measured on the published animevideov3 (float32, CPU; the second of two chunks, by VmHWM per stage, with
    # MALLOC_MMAP_THRESHOLD_ set so low that freed memory is returned): 3360, 4120 and 5410 bytes per cell in chunks of
    # 2, 4 and 8. The part per chunk frame is latents and sources. For the frame being processed, warping takes most
    # (2700), then the network (2800, but for one window only) and back-projection (2000).
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
