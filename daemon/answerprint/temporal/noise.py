"""Sampling noise, drawn so that a frame gets the same noise however the clip is trimmed.

Base noise is a function of (seed, absolute source frame, step) alone, always drawn on the CPU in float32 at full
latent size. The noise policy decides which base noise a frame gets. It is part of the method: tokens of frames with
different noise do not match.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import torch
from torch import Tensor

from answerprint.temporal.warp import Link

__all__ = ["base_noise", "move_noise"]


def base_noise(seed: int, frame: int, step: int, shape: Sequence[int]) -> Tensor:
    """Standard normal noise of `shape` for one frame; `step` is the sampler's step, or -1 for the initial noise."""
    digest = hashlib.blake2b(f"{seed}/{frame}/{step}".encode(), digest_size=8).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(digest, "little") >> 1)
    return torch.randn(tuple(shape), generator=generator)


def move_noise(noise: Tensor, path: Link, fresh: Tensor) -> Tensor:
    """`noise` [c, H, W] moved along `path` by whole cells; `fresh` [c, H, W] fills the gaps.

    Each cell of `noise` is used at most once (the lowest index wins), so the result is white noise: interpolated or
    repeated noise would be spatially correlated, which no model was trained on.
    """
    channels, height, width = noise.shape
    flow, weight = path.flow.to(noise.device), path.weight.to(noise.device)
    y = torch.arange(height, dtype=torch.float32, device=noise.device)[:, None] + flow[1]
    x = torch.arange(width, dtype=torch.float32, device=noise.device)[None, :] + flow[0]
    row, column = torch.floor(y + 0.5).long(), torch.floor(x + 0.5).long()
    seen = (row >= 0) & (row < height) & (column >= 0) & (column < width) & (weight > 0)
    source = (row.clamp(0, height - 1) * width + column.clamp(0, width - 1)).reshape(-1)
    cells = torch.arange(height * width, device=noise.device)
    claim = torch.where(seen.reshape(-1), cells, height * width)
    owner = torch.full_like(cells, height * width).scatter_reduce(0, source, claim, "amin")
    taken = seen.reshape(-1) & (owner[source] == cells)
    moved = torch.where(taken, noise.reshape(channels, -1)[:, source], fresh.reshape(channels, -1))
    return moved.view_as(noise)
