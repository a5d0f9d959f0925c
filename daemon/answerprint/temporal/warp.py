"""Hierarchical latent warping (paper, section 3.2; equations as corrected).

All functions work on the spread layout of latents, in which moving cells moves the picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

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
class _Seen:
    """The cells where a link has a say, and what they take from the other frame."""

    cells: Tensor
    """[N] indices of the cells of any weight, and of those around them by which they are judged."""
    at: Tensor
    """[1, 1, N, 2]: where each is found, on `grid_sample`'s scale."""
    still: Tensor
    """[M] positions in `cells` of those that do not move."""
    weight: Tensor
    """[N]"""


@dataclass(frozen=True)
class Link:
    """Where one frame's picture is found in another, on the grid of spread latents."""

    flow: Tensor
    """[2, H, W], cells."""
    weight: Tensor
    """[H, W] in [0, 1]: V of Eq. 4, times sigma of Eq. 5 where the mask is soft; 0 on padding."""

    @cached_property
    def seen(self) -> _Seen:
        """What following the link takes, worked out once for all steps; often half of the cells need no sampling."""
        height, width = self.weight.shape
        cells = _mean_around((self.weight > 0).float()).flatten().nonzero()[:, 0]
        flow, weight = self.flow.flatten(1).index_select(1, cells), self.weight.flatten().index_select(0, cells)
        x, y = flow[0] + cells % width, flow[1] + cells.div(width, rounding_mode="floor")
        # Whole positions must map to themselves exactly: align_corners=True keeps cell indices whole in float32.
        at = torch.stack([x * (2.0 / max(width - 1, 1)) - 1, y * (2.0 / max(height - 1, 1)) - 1], -1)
        return _Seen(cells, at[None, None], (flow == 0).all(0).nonzero()[:, 0], weight)


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
    everywhere = Link(flow, torch.ones_like(flow[0]))
    return _moved(z, everywhere.seen, sampling).view_as(z)


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


def trust(d2: Tensor, tolerance: float) -> Tensor:
    """exp(-D2 / tolerance^2) [H, W]: D2 is the mean around a cell of the squared differences d2 [H, W].

    Flow and its mask are found on the damaged source; where the warped latent disagrees with the frame's own, more than
    invented detail does, the flow was wrong, and warping would put one thing's picture on another. A tolerance of 0
    trusts the mask alone, as the paper does.
    """
    if tolerance <= 0:
        return torch.ones_like(d2)
    return torch.exp(_mean_around(d2) / -(tolerance**2))


def _mean_around(field: Tensor) -> Tensor:
    """Mean of `field` [H, W] over the square of `_AROUND` cells about each cell, as far as it lies on the grid.

    One axis after the other, by adding shifted copies: on a CPU a tenth of the time of average pooling.
    """
    reach = _AROUND // 2
    for dim, length in enumerate(field.shape):
        padded = F.pad(field, (0, 0, reach, reach) if dim == 0 else (reach, reach))
        total = padded.narrow(dim, 0, length).clone()
        for shift in range(1, _AROUND):
            total += padded.narrow(dim, shift, length)
        place = torch.arange(length, device=field.device)
        count = (place + reach).clamp(max=length - 1) - (place - reach).clamp(min=0) + 1
        field = total / (count[:, None] if dim == 0 else count)
    return field


def _moved(z: Tensor, seen: _Seen, sampling: Sampling) -> Tensor:
    """What z [c, H, W] holds where the `seen` cells are found: [c, N]."""
    # In float32 whatever z is: half precision places positions half a cell off on grids of a thousand cells.
    found = F.grid_sample(z[None].float(), seen.at, mode=sampling, padding_mode="border", align_corners=True)
    same = z.flatten(1).index_select(1, seen.cells[seen.still])
    return found[0, :, 0].to(z.dtype).index_copy_(1, seen.still, same)


def _trusted(moved: Tensor, own: Tensor, path: Link, options: MethodOptions) -> Tensor:
    """Weight [N] of `moved` [c, N] beside a frame's own cells [c, N]."""
    seen = path.seen
    d2 = moved.new_zeros(path.weight.numel()).index_copy_(0, seen.cells, (moved - own).square_().mean(0))
    trusted = trust(d2.view_as(path.weight), options.warp_tolerance)
    return seen.weight * trusted.flatten().index_select(0, seen.cells)


def _bring_in(z: Tensor, other: Tensor, path: Link, options: MethodOptions) -> Tensor:
    """z [c, H, W] with `other`, moved along `path`, in its place as far as it is trusted."""
    cells = path.seen.cells
    own, moved = z.flatten(1).index_select(1, cells), _moved(other, path.seen, options.warp_sampling)
    weight = _trusted(moved, own, path, options) * options.warp_strength
    return z.flatten(1).index_copy(1, cells, blend(own, moved, weight)).view_as(z)


def _fuse(z: Tensor, key: int, from_key: Sequence[Link | None], options: MethodOptions) -> Tensor:
    """Weighted mean, on the keyframe's grid, of all frames of a chunk: independent errors average out."""
    own = z[key].flatten(1)
    total, weights = own.clone(), torch.ones_like(own[0])
    for k, path in enumerate(from_key):
        if k == key or path is None:
            continue
        cells = path.seen.cells
        moved = _moved(z[k], path.seen, options.warp_sampling)
        weight = _trusted(moved, own.index_select(1, cells), path, options)
        total.index_copy_(1, cells, total.index_select(1, cells) + weight * moved)
        weights.index_copy_(0, cells, weights.index_select(0, cells) + weight)
    return (total / weights).view_as(z[key])
