"""Noise that decides what detail is invented, drawn so that the same frame gets the same noise in any cut of a clip.

Base noise is a function of (seed, absolute source frame, step) alone, always drawn on the CPU in float32 at full
latent size. The policy decides which base noise a frame sees: tokens of frames whose noise differs do not belong
together, so the policy is part of the method.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import torch
from torch import Tensor

from answerprint.temporal.warp import Link

__all__ = ["base_noise", "move_noise"]


def base_noise(seed: int, frame: int, step: int, shape: Sequence[int]) -> Tensor:
    """Standard normal noise of `shape` for one frame; `step` is -1 for the start, else the sampler's step."""
    digest = hashlib.blake2b(f"{seed}/{frame}/{step}".encode(), digest_size=8).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(digest, "little") >> 1)
    return torch.randn(tuple(shape), generator=generator)


def move_noise(noise: Tensor, path: Link, fresh: Tensor) -> Tensor:
    """`noise` [c, H, W] seen along `path`, whole cells at a time; where nothing is seen, `fresh` [c, H, W].

    Each cell of `noise` is used at most once (the lowest index wins), so the result is white noise again: an
    interpolated or repeated noise would be correlated with itself, which no model was trained on.
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
