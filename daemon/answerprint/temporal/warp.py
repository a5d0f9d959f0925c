"""Hierarchical latent warping (paper, section 3.2; equations as corrected).

All functions work on the spread layout of latents, in which moving cells moves the picture.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from answerprint.temporal.grid import Grid, flow_on, mean_on
from answerprint.temporal.options import MethodOptions, Sampling
from answerprint.temporal.protocols import Correspondence

__all__ = ["Frames", "Link", "blend", "link", "mean_around", "tolerance_for", "trust", "warp", "warp_chunk"]

_AROUND = 5
"""Side of the square of cells over which agreement is judged."""

_NOISE_TOLERANCE = 2.0
"""What a clip's noise adds to the tolerance, in its standard deviations on the latent's scale of [-1, 1]."""

_AT_ONCE = 2**18
"""Cells that are sampled at once; more would take more memory, and no less time."""

_GIVEN_BACK = 0.25
"""Share of a latent's fine detail that "sharp" sampling adds in the middle of four cells, and none on a cell.

Measured on Real-ESRGAN's pictures of bigbuckbunny: by bicubic interpolation a warped frame has 0.93 of the keyframe's
detail, with 0.2 so given back 0.97, with 0.3 0.99 to 1.06.
"""


@dataclass(frozen=True, slots=True)
class _Seen:
    """The cells where a link has a say, and what they take from the other frame."""

    cells: Tensor
    """[N] indices of the cells of any weight, and of those around them by which they are judged."""
    at: Tensor
    """[1, 1, N, 2]: where each is found, on `grid_sample`'s scale."""
    still: Tensor
    """[M] positions in `cells` of those that do not move."""
    between: Tensor
    """[N] in [0, 1]: how far from any cell's centre each is found, 1 in the middle of four."""
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
        cells = mean_around((self.weight > 0).float()).flatten().nonzero()[:, 0]
        flow, weight = self.flow.flatten(1).index_select(1, cells), self.weight.flatten().index_select(0, cells)
        x, y = flow[0] + cells % width, flow[1] + cells.div(width, rounding_mode="floor")
        # Whole positions must map to themselves exactly: align_corners=True keeps cell indices whole in float32.
        at = torch.stack([x * (2.0 / max(width - 1, 1)) - 1, y * (2.0 / max(height - 1, 1)) - 1], -1)
        right, down = x - x.floor(), y - y.floor()
        between = 2 * (right * (1 - right) + down * (1 - down))
        return _Seen(cells, at[None, None], (flow == 0).all(0).nonzero()[:, 0], between, weight)


class Frames(Protocol):
    """A chunk's spread latents, each [c, H, W], that can be changed frame by frame; a tensor [F, c, H, W] is one."""

    def __len__(self) -> int:
        """Number of frames."""
        ...

    def __getitem__(self, k: int, /) -> Tensor:
        """Frame k."""
        ...

    def __setitem__(self, k: int, latent: Tensor, /) -> None:
        """Put another in its place."""
        ...


def link(motion: Correspondence, grid: Grid, options: MethodOptions) -> Link:
    """`motion` brought to `grid`; the weight is 1 where the warp may be trusted fully."""
    weight = mean_on(motion.valid, grid)
    weight = torch.where(weight > 0.999, weight, 0.0) if options.warp_mask == "hard" else weight
    if options.warp_mask == "soft":
        weight = weight * mean_on(motion.confidence, grid)
    weight = weight.reshape(-1).masked_fill(grid.padding().to(weight.device), 0.0).view_as(weight)
    return Link(flow_on(motion.flow, grid), weight)


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
    z: Frames,
    key: int,
    to_key: Sequence[Link | None],
    from_key: Sequence[Link | None],
    previous: Tensor | None,
    to_previous: Link | None,
    options: MethodOptions,
) -> Tensor:
    """One step of hierarchical warping of a chunk's clean latents z, in their place; returns the key to carry.

    Every frame is put back once, one after the other, so that few need to be spread at a time. `to_key[k]` lives on
    frame k's grid and points into the keyframe; `from_key[k]` lives on the keyframe's grid and points into frame k
    (used to fuse). `previous` [c, H, W] is the carried key, `to_previous` the link into it.
    """
    fuses = options.warp_source == "fused" and options.warp_local
    # A copy: a view would change with its frame, and keep all others alive for as long as the key is carried.
    before = _fuse(z, key, from_key, options) if fuses else z[key].clone()
    after = before
    if options.warp_global and previous is not None and to_previous is not None:
        after = _bring_in(before, previous, to_previous, options)
    del previous, to_previous  # they take much memory, and are not needed any more
    for k in range(len(z)):
        if k != key:
            z[k] = _bring_in(z[k], after, to_key[k] if options.warp_local else None, options)
    # The mean of many frames is softer than any: the keyframe takes as much of it as the others do.
    z[key] = torch.lerp(z[key], after, options.warp_strength) if fuses else after
    return before if options.warp_carry == "before" else after


def trust(d2: Tensor, tolerance: float) -> Tensor:
    """exp(-D2 / tolerance^2) [H, W]: D2 is the mean around a cell of the squared differences d2 [H, W].

    Flow and its mask are found on the damaged source; where the warped latent disagrees with the frame's own, more than
    noise and invented detail do, the flow was wrong, and warping would put one thing's picture on another. Hence d2 is
    taken of latents that were low-passed. A tolerance of 0 trusts the mask alone, as the paper does.
    """
    if tolerance <= 0:
        return torch.ones_like(d2)
    return torch.exp(mean_around(d2) / -(tolerance**2))


def tolerance_for(tolerance: float, noise: float) -> float:
    """The tolerance for a clip whose frames have noise of standard deviation `noise`, 0..1.

    Frames that differ by no more than their noise show the same thing. A tolerance of 0 trusts the mask alone still.
    """
    return math.hypot(tolerance, _NOISE_TOLERANCE * noise) if tolerance > 0 else 0.0


def mean_around(field: Tensor, side: int = _AROUND) -> Tensor:
    """Mean of `field` [..., H, W] over the square of `side` cells, an odd number, about each cell, as far as there are.

    One axis after the other, by adding shifted copies: on a CPU a tenth of the time of average pooling.
    """
    reach = side // 2
    for dim in (-2, -1):
        length = field.shape[dim]
        padded = F.pad(field, (0, 0, reach, reach) if dim == -2 else (reach, reach))
        total = padded.narrow(dim, 0, length).clone()
        for shift in range(1, side):
            total += padded.narrow(dim, shift, length)
        place = torch.arange(length, device=field.device)
        count = (place + reach).clamp(max=length - 1) - (place - reach).clamp(min=0) + 1
        field = total / (count[:, None] if dim == -2 else count)
    return field


def _moved(z: Tensor, seen: _Seen, sampling: Sampling) -> Tensor:
    """What z [c, H, W] holds where the `seen` cells are found: [c, N]."""
    # In float32 whatever z is: half precision places positions half a cell off on grids of a thousand cells.
    told, mode = z[None].float(), "bilinear" if sampling == "bilinear" else "bicubic"
    if sampling == "sharp":
        nine = F.avg_pool2d(F.pad(told, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
        told = torch.cat([told, told - nine], 1)
    moved = z.new_empty(len(z), len(seen.cells))
    for first in range(0, len(seen.cells), _AT_ONCE):
        some = slice(first, first + _AT_ONCE)
        found = F.grid_sample(told, seen.at[:, :, some], mode=mode, padding_mode="border", align_corners=True)[0, :, 0]
        if sampling == "sharp":
            found = found[: len(z)] + _GIVEN_BACK * seen.between[some] * found[len(z) :]
        moved[:, some] = found
    same = z.flatten(1).index_select(1, seen.cells[seen.still])
    return moved.index_copy_(1, seen.still, same)


def _trusted(moved: Tensor, own: Tensor, path: Link, options: MethodOptions) -> Tensor:
    """Weight [N] of `moved` [c, N] beside a frame's own cells [c, N]."""
    seen = path.seen
    if options.warp_tolerance <= 0:
        return seen.weight
    nothing = moved.new_zeros(path.weight.numel())
    gaps = (nothing.index_copy(0, seen.cells, there - here) for there, here in zip(moved, own, strict=True))
    low = torch.stack([mean_around(gap.view_as(path.weight)) for gap in gaps])
    trusted = trust(low.square_().mean(0), options.warp_tolerance)
    return seen.weight * trusted.flatten().index_select(0, seen.cells)


def _bring_in(z: Tensor, other: Tensor, path: Link | None, options: MethodOptions) -> Tensor:
    """z [c, H, W] with `other`, moved along `path`, in its place as far as it is trusted; z itself without a path."""
    if path is None:
        return z
    cells = path.seen.cells
    own, moved = z.flatten(1).index_select(1, cells), _moved(other, path.seen, options.warp_sampling)
    weight = _trusted(moved, own, path, options) * options.warp_strength
    return z.flatten(1).index_copy(1, cells, blend(own, moved, weight)).view_as(z)


def _fuse(z: Frames, key: int, from_key: Sequence[Link | None], options: MethodOptions) -> Tensor:
    """Weighted mean, on the keyframe's grid, of all frames of a chunk: independent errors average out."""
    whole = z[key]
    own = whole.flatten(1)
    total, weights = own.clone(), torch.ones_like(own[0])
    for k in range(len(z)):
        path = None if k == key else from_key[k]
        if path is None:
            continue
        cells = path.seen.cells
        moved = _moved(z[k], path.seen, options.warp_sampling)
        weight = _trusted(moved, own.index_select(1, cells), path, options)
        total.index_copy_(1, cells, total.index_select(1, cells) + weight * moved)
        weights.index_copy_(0, cells, weights.index_select(0, cells) + weight)
    return (total / weights).view_as(whole)
