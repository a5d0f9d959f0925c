"""Tiling of large frames: the network runs on overlapping windows of the latent, and its outputs are blended.

Only the network runs on windows. Noise, warping and the sampler use whole latents, so window borders do not show.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from answerprint.temporal.protocols import Window

__all__ = ["blend_windows", "plan_windows", "ramp"]


def plan_windows(height: int, width: int, tile: int, overlap: int, multiple: int = 1) -> list[Window]:
    """Windows of at most `tile` x `tile` cells that cover height x width, neighbours sharing at least `overlap`.

    As few windows as `tile` allows, each as small as that number permits: a picture slightly wider than a tile becomes
    two windows of little more than half its width. `tile` 0 gives one window. Origins are multiples of `multiple` (the
    network's coarsest token), and so are window sizes along a side that is split.
    Raises ValueError if the overlap leaves no room to advance by one multiple.
    """
    if tile <= 0 or (height <= tile and width <= tile):
        return [Window(0, 0, height, width)]
    tile -= tile % multiple
    if tile - overlap < multiple:
        raise ValueError(f"tiles of {tile} cells cannot overlap by {overlap}")
    rows, columns = (_split(extent, tile, overlap, multiple) for extent in (height, width))
    return [Window(top, left, rows.size, columns.size) for top in rows.origins for left in columns.origins]


@dataclass(frozen=True, slots=True)
class _Split:
    """Windows along one axis: their origins and common size."""

    origins: Sequence[int]
    size: int


def _split(extent: int, tile: int, overlap: int, multiple: int) -> _Split:
    """Evenly spaced windows along one axis; the last one ends at the picture's border."""
    if extent <= tile:
        return _Split([0], extent)

    def advances(size: int) -> int:
        # In units of `multiple`, so that steps between neighbours always keep the overlap.
        return -(-_units(extent - size, multiple) // ((size - overlap) // multiple))

    least = overlap + multiple
    size = next(s for s in range(least + -least % multiple, tile + 1, multiple) if advances(s) == advances(tile))
    last, count = extent - size, advances(size)
    # The last origin is a multiple whenever the extent is, as networks need it.
    return _Split([i * _units(last, multiple) // count * multiple for i in range(count)] + [last], size)


def _units(cells: int, multiple: int) -> int:
    """`cells` in units of `multiple`, rounded up."""
    return -(-cells // multiple)


def ramp(window: Window, height: int, width: int, overlap: int) -> Tensor:
    """Blend weights [window height, window width] in (0, 1], rising over `overlap` cells from inner borders."""

    def side(length: int, before: bool, after: bool) -> Tensor:
        weight = torch.ones(length)
        rise = (torch.arange(overlap, dtype=torch.float32) + 1) / (overlap + 1)
        if before and overlap:
            weight[:overlap] = torch.minimum(weight[:overlap], rise)
        if after and overlap:
            weight[-overlap:] = torch.minimum(weight[-overlap:], rise.flip(0))
        return weight

    rows = side(window.height, window.top > 0, window.top + window.height < height)
    columns = side(window.width, window.left > 0, window.left + window.width < width)
    return rows[:, None] * columns[None, :]


def blend_windows(x: Tensor, windows: list[Window], overlap: int, run: Callable[[Tensor, Window], Tensor]) -> Tensor:
    """Weighted mean of run(x in window, window) over `windows`, for x [F, C, h, w]; a single window is not blended."""
    if len(windows) == 1:
        return run(x, windows[0])
    height, width = x.shape[-2:]
    total: Tensor | None = None
    weights = torch.zeros(height, width, device=x.device)
    for window in windows:
        rows = slice(window.top, window.top + window.height)
        columns = slice(window.left, window.left + window.width)
        out = run(x[..., rows, columns], window)
        weight = ramp(window, height, width, overlap).to(x.device)
        if total is None:
            total = out.new_zeros(*out.shape[:2], height, width)
        for whole, part in zip(total, out, strict=True):
            whole[..., rows, columns] += part * weight.to(out.dtype)
        weights[rows, columns] += weight
    if total is None:
        raise ValueError("at least one window is needed")
    return total.div_(weights.to(total.dtype))
