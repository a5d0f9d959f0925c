"""Hierarchical latent warping (paper, section 3.2; equations as corrected).

All functions use the spread layout of latents, in which moving cells moves the picture.
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
"""Side, in cells, of the square over which agreement is averaged."""

_NOISE_TOLERANCE = 2.0
"""Tolerance added per standard deviation of the clip's noise, on the latent's scale of [-1, 1]."""

_AT_ONCE = 2**18
"""Cells sampled at once; more would take more memory without being faster."""

_SHARPENING = 0.25
"""Share of a latent's fine detail that "sharp" sampling adds between four cells; none at a cell's centre.

Measured on Real-ESRGAN's pictures of bigbuckbunny: with bicubic interpolation a warped frame has 0.93 of the keyframe's
detail; with a share of 0.2 it has 0.97, with 0.3 it has 0.99 to 1.06.
"""


@dataclass(frozen=True, slots=True)
class _Seen:
    """The cells in which a link has weight, and their sampling positions in the other frame."""

    cells: Tensor
    """[N] indices of cells with weight, and of the cells around them that enter the agreement."""
    at: Tensor
    """[1, 1, N, 2]: sampling positions, on `grid_sample`'s scale."""
    still: Tensor
    """[M] positions in `cells` of the cells that do not move."""
    between: Tensor
    """[N] in [0, 1]: distance of each sampling position from a cell's centre, 1 in the middle of four cells."""
    weight: Tensor
    """[N]"""


@dataclass(frozen=True)
class Link:
    """Where one frame's picture is in another, on the grid of spread latents."""

    flow: Tensor
    """[2, H, W], cells."""
    weight: Tensor
    """[H, W] in [0, 1]: V of Eq. 4, times sigma of Eq. 5 where the mask is soft; 0 on padding."""

    @cached_property
    def seen(self) -> _Seen:
        """Sampling data of the link, computed once for all steps; often half of the cells need no sampling."""
        height, width = self.weight.shape
        cells = mean_around((self.weight > 0).float()).flatten().nonzero()[:, 0]
        flow, weight = self.flow.flatten(1).index_select(1, cells), self.weight.flatten().index_select(0, cells)
        x, y = flow[0] + cells % width, flow[1] + cells.div(width, rounding_mode="floor")
        # Integer positions must map to themselves exactly: align_corners=True keeps cell indices integer in float32.
        at = torch.stack([x * (2.0 / max(width - 1, 1)) - 1, y * (2.0 / max(height - 1, 1)) - 1], -1)
        right, down = x - x.floor(), y - y.floor()
        between = 2 * (right * (1 - right) + down * (1 - down))
        return _Seen(cells, at[None, None], (flow == 0).all(0).nonzero()[:, 0], between, weight)


class Frames(Protocol):
    """A chunk's spread latents, each [c, H, W], writable frame by frame; a tensor [F, c, H, W] qualifies."""

    def __len__(self) -> int:
        """Number of frames."""
        ...

    def __getitem__(self, k: int, /) -> Tensor:
        """Frame k."""
        ...

    def __setitem__(self, k: int, latent: Tensor, /) -> None:
        """Replace frame k."""
        ...


def link(motion: Correspondence, grid: Grid, options: MethodOptions) -> Link:
    """`motion` resampled to `grid`; the weight is 1 where the warp is fully trusted."""
    weight = mean_on(motion.valid, grid)
    weight = torch.where(weight > 0.999, weight, 0.0) if options.warp_mask == "hard" else weight
    if options.warp_mask == "soft":
        weight = weight * mean_on(motion.confidence, grid)
    weight = weight.reshape(-1).masked_fill(grid.padding().to(weight.device), 0.0).view_as(weight)
    return Link(flow_on(motion.flow, grid), weight)


def warp(z: Tensor, flow: Tensor, sampling: Sampling = "bilinear") -> Tensor:
    """W(z, f): backward warp of z [c, H, W] by f [2, H, W] in cells; positions outside repeat the border.

    Zero flow gives z exactly, with any sampling.
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
    """One step of hierarchical warping of a chunk's clean latents z, in place; returns the keyframe's latent to carry.

    Frames are written one after the other, so that few are spread at a time. `to_key[k]` is on frame k's grid and
    points into the keyframe; `from_key[k]` is on the keyframe's grid and points into frame k (used to fuse).
    `previous` [c, H, W] is the carried latent of the previous keyframe, `to_previous` the link into it.
    """
    fuses = options.warp_source == "fused" and options.warp_local
    # A copy: a view would change with its frame, and keep all other frames alive while the key is carried.
    before = _fuse(z, key, from_key, options) if fuses else z[key].clone()
    after = before
    if options.warp_global and previous is not None and to_previous is not None:
        after = _blend_in(before, previous, to_previous, options)
    del previous, to_previous  # large, and no longer needed
    for k in range(len(z)):
        if k != key:
            z[k] = _blend_in(z[k], after, to_key[k] if options.warp_local else None, options)
    # The mean of many frames is softer than each: the keyframe takes the same share of it as the others do.
    z[key] = torch.lerp(z[key], after, options.warp_strength) if fuses else after
    return before if options.warp_carry == "before" else after


def trust(d2: Tensor, tolerance: float) -> Tensor:
    """exp(-D2 / tolerance^2) [H, W]: D2 is the mean around a cell of the squared differences d2 [H, W].

    Flow and mask are estimated on the degraded source. Where the warped latent differs from the frame's own by more
    than noise and generated detail explain, the flow was wrong. Hence d2 is computed on low-passed latents. A tolerance
    of 0 uses the mask alone, as the paper does.
    """
    if tolerance <= 0:
        return torch.ones_like(d2)
    return torch.exp(mean_around(d2) / -(tolerance**2))


def tolerance_for(tolerance: float, noise: float) -> float:
    """The tolerance for a clip whose frames have noise of standard deviation `noise`, 0..1.

    Frames that differ by no more than their noise show the same content. A tolerance of 0 stays 0 (mask alone).
    """
    return math.hypot(tolerance, _NOISE_TOLERANCE * noise) if tolerance > 0 else 0.0


def mean_around(field: Tensor, side: int = _AROUND) -> Tensor:
    """Mean of `field` [..., H, W] over a square of `side` cells (odd) around each cell, cropped at the borders.

    Sums shifted copies, one axis after the other: on a CPU ten times faster than average pooling.
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
    """Sample z [c, H, W] at the positions of `seen`: [c, N]."""
    # Always in float32: in half precision positions are off by half a cell on grids of a thousand cells.
    field, mode = z[None].float(), "bilinear" if sampling == "bilinear" else "bicubic"
    if sampling == "sharp":
        nine = F.avg_pool2d(F.pad(field, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
        field = torch.cat([field, field - nine], 1)
    moved = z.new_empty(len(z), len(seen.cells))
    for first in range(0, len(seen.cells), _AT_ONCE):
        some = slice(first, first + _AT_ONCE)
        found = F.grid_sample(field, seen.at[:, :, some], mode=mode, padding_mode="border", align_corners=True)[0, :, 0]
        if sampling == "sharp":
            found = found[: len(z)] + _SHARPENING * seen.between[some] * found[len(z) :]
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


def _blend_in(z: Tensor, other: Tensor, path: Link | None, options: MethodOptions) -> Tensor:
    """Blend `other`, warped along `path`, into z [c, H, W] by its trust; returns z if there is no path."""
    if path is None:
        return z
    cells = path.seen.cells
    own, moved = z.flatten(1).index_select(1, cells), _moved(other, path.seen, options.warp_sampling)
    weight = _trusted(moved, own, path, options) * options.warp_strength
    return z.flatten(1).index_copy(1, cells, blend(own, moved, weight)).view_as(z)


def _fuse(z: Frames, key: int, from_key: Sequence[Link | None], options: MethodOptions) -> Tensor:
    """Weighted mean of all frames of a chunk on the keyframe's grid: independent errors average out."""
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
