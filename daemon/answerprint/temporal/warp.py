"""Hierarchical latent warping (paper, section 3.2; equations as corrected).

All functions work on the spread layout of latents, in which moving cells moves the picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from .grid import Grid, flow_on, mean_on
from .options import MethodOptions, Sampling
from .protocols import Correspondence

__all__ = ["Link", "blend", "link", "trust", "warp", "warp_chunk"]

_AROUND = 5
"""Side of the square of cells over which agreement is judged."""


@dataclass(frozen=True, slots=True)
class Link:
    """Where one frame's picture is found in another, on the grid of spread latents."""

    flow: Tensor
    """[2, H, W], cells."""
    weight: Tensor
    """[H, W] in [0, 1]: V of Eq. 4, times sigma of Eq. 5 where the mask is soft; 0 on padding."""


def link(motion: Correspondence, grid: Grid, options: MethodOptions) -> Link:
    """`motion` brought to `grid`; the weight is 1 where the warp may be trusted fully."""
    weight = mean_on(motion.valid, grid)
    weight = torch.where(weight > 0.999, weight, 0.0) if options.warp_mask == "hard" else weight
    if options.warp_mask == "soft":
        weight = weight * mean_on(motion.confidence, grid)
    weight = weight.reshape(-1).masked_fill(grid.padding().to(weight.device), 0.0).view_as(weight)
    return Link(flow_on(motion, grid), weight)


def warp(z: Tensor, flow: Tensor, sampling: Sampling = "bilinear") -> Tensor:
    """W(z, f): backward warp of z [c, H, W] by f [2, H, W] in cells; positions outside repeat the border.

    Zero flow gives z exactly, with either sampling.
    """
    height, width = flow.shape[-2:]
    y = torch.arange(height, dtype=torch.float32, device=z.device)[:, None] + flow[1]
    x = torch.arange(width, dtype=torch.float32, device=z.device)[None, :] + flow[0]
    # Whole positions must map to themselves exactly: align_corners=True keeps cell indices whole in float32.
    at = torch.stack([x * (2.0 / max(width - 1, 1)) - 1, y * (2.0 / max(height - 1, 1)) - 1], -1)
    # In float32 whatever z is: half precision places positions half a cell off on grids of a thousand cells.
    moved = F.grid_sample(z[None].float(), at[None], mode=sampling, padding_mode="border", align_corners=True)[0]
    return torch.where((flow == 0).all(0), z, moved.to(z.dtype))


def blend(z: Tensor, moved: Tensor, weight: Tensor) -> Tensor:
    """(1 - V) z + V W(z', f): Eq. 4 as corrected; exactly z where V is 0 and exactly the warp where V is 1."""
    return torch.lerp(z, moved, weight.to(z.dtype))


def warp_chunk(
    z: Tensor,
    key: int,
    to_key: Sequence[Link | None],
    from_key: Sequence[Link | None],
    previous: Tensor | None,
    to_previous: Link | None,
    options: MethodOptions,
) -> tuple[Tensor, Tensor]:
    """One step of hierarchical warping of a chunk's clean latents z [F, c, H, W]; returns (z, the key to carry).

    `to_key[k]` lives on frame k's grid and points into the keyframe; `from_key[k]` lives on the keyframe's grid and
    points into frame k (used to fuse). `previous` [c, H, W] is the carried key, `to_previous` the link into it.
    """
    out = z.clone()
    before = z[key]
    if options.warp_source == "fused" and options.warp_local:
        before = _fuse(z, key, from_key, options)
    after = before
    if options.warp_global and previous is not None and to_previous is not None:
        after = _bring_in(before, previous, to_previous, options)
    out[key] = after
    if options.warp_local:
        for k, path in enumerate(to_key):
            if k == key or path is None:
                continue
            out[k] = _bring_in(z[k], after, path, options)
    # A copy: a view would keep the whole chunk's latents alive for as long as the key is carried.
    return out, (before if options.warp_carry == "before" else after).clone()


def trust(moved: Tensor, z: Tensor, tolerance: float) -> Tensor:
    """exp(-(d / tolerance)^2), [H, W]: d is the root mean square difference of moved and z [c, H, W] around a cell.

    Flow and its mask are found on the damaged source; where the warped latent disagrees with the frame's own, more than
    invented detail does, the flow was wrong, and warping would put one thing's picture on another. A tolerance of 0
    trusts the mask alone, as the paper does.
    """
    if tolerance <= 0:
        return torch.ones_like(z[0])
    d2 = (moved - z).square().mean(0, keepdim=True)[None]
    around = F.avg_pool2d(d2, _AROUND, stride=1, padding=_AROUND // 2, count_include_pad=False)[0, 0]
    return torch.exp(-around / tolerance**2)


def _bring_in(z: Tensor, other: Tensor, path: Link, options: MethodOptions) -> Tensor:
    """z [c, H, W] with `other`, moved along `path`, in its place as far as it is trusted."""
    moved = warp(other, path.flow, options.warp_sampling)
    weight = path.weight * trust(moved, z, options.warp_tolerance) * options.warp_strength
    return blend(z, moved, weight)


def _fuse(z: Tensor, key: int, from_key: Sequence[Link | None], options: MethodOptions) -> Tensor:
    """Weighted mean, on the keyframe's grid, of all frames of a chunk: independent errors average out."""
    total = z[key].clone()
    weights = torch.ones_like(total[:1])
    for k, path in enumerate(from_key):
        if k == key or path is None:
            continue
        moved = warp(z[k], path.flow, options.warp_sampling)
        weight = (path.weight * trust(moved, z[key], options.warp_tolerance))[None]
        total = total + weight * moved
        weights = weights + weight
    return total / weights
