"""KL autoencoders, as in Stable Diffusion: one frame at a time, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from torch import Tensor

from answerprint.temporal.tiling import blend_windows, plan_windows

__all__ = ["cell_size", "decode", "encode", "in_windows", "window_cells"]

_WINDOW_CELLS = 256
_OVERLAP_CELLS = 32
"""Larger latents are coded in windows and blended: normalisation depends on the whole input, so windows differ
slightly in tone."""

_SMALL_WINDOW_CELLS = 128
_LARGE_CARD_BYTES = 15 << 30
"""GPUs with less memory use small windows: Stable Diffusion's decoder takes 8.3 GB for one 1080p frame (measured)."""


def cell_size(vae: AutoencoderKL) -> int:
    """Pixels per latent cell, along each axis."""
    return int(2 ** (len(vae.config.block_out_channels) - 1))


def encode(vae: AutoencoderKL, picture: Tensor) -> Tensor:
    """Mean latents [F, C, h, w], unscaled, of `picture` [F, 3, H, W] in [-1, 1], with sides in whole cells."""
    cell = cell_size(vae)

    def run(cells: Tensor) -> Tensor:
        mean: Tensor = vae.encode(F.pixel_shuffle(cells, cell)).latent_dist.mean
        return mean

    frames = torch.split(F.pixel_unshuffle(picture.float(), cell), 1)
    window = window_cells(picture.device)
    return torch.cat([in_windows(frame, run, 1, window, _OVERLAP_CELLS) for frame in frames])


def decode(vae: AutoencoderKL, latent: Tensor) -> Tensor:
    """Pictures [F, 3, H, W], about -1..1, not clamped, from unscaled latents [F, C, h, w].

    Always in single precision: the decoder overflows in half precision.
    """

    def run(part: Tensor) -> Tensor:
        with torch.autocast(part.device.type, enabled=False):
            picture: Tensor = vae.decode(part, return_dict=False)[0]
        return picture

    frames = torch.split(latent.float(), 1)
    cell, window = cell_size(vae), window_cells(latent.device)
    return torch.cat([in_windows(frame, run, cell, window, _OVERLAP_CELLS) for frame in frames])


def window_cells(device: torch.device) -> int:
    """Largest side, in cells, of a coding window; depends on the GPU's total memory or cap, not on free memory."""
    if device.type != "cuda":
        return _WINDOW_CELLS
    total: int = torch.cuda.get_device_properties(device).total_memory
    room = total * torch.cuda.get_per_process_memory_fraction(device)
    return _WINDOW_CELLS if room >= _LARGE_CARD_BYTES else _SMALL_WINDOW_CELLS


def in_windows(x: Tensor, run: Callable[[Tensor], Tensor], factor: int, cells: int, overlap: int) -> Tensor:
    """run(x) [B, C, factor h, factor w] for x [B, c, h, w], in blended windows of at most `cells` per side."""

    def packed(part: Tensor) -> Tensor:
        return F.pixel_unshuffle(run(part), factor)  # on the grid of x, where windows are blended

    windows = plan_windows(x.shape[-2], x.shape[-1], cells, overlap)
    return F.pixel_shuffle(blend_windows(x, windows, overlap, lambda part, _: packed(part)), factor)
