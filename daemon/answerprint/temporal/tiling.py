"""Large frames: the network sees overlapping windows of the latent, and its outputs are blended.

Only the network works on windows. Noise, warping and the sampler see whole latents, so a window's border is never a
border of the picture.
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

    There are as few as `tile` allows, and they are no larger than so many need to be: a picture a little wider than a
    tile becomes two windows of little more than half of it, not two whole tiles. `tile` 0 gives one window. Origins are
    multiples of `multiple` (the network's coarsest token), and so are the sizes of windows along a side that is split.
    Raises ValueError when the overlap leaves no room to advance by one multiple.
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
    """One side of the picture: where windows begin, and how long all of them are."""

    origins: Sequence[int]
    size: int


def _split(extent: int, tile: int, overlap: int, multiple: int) -> _Split:
    """Evenly spread windows along one axis; the last one ends with the picture."""
    if extent <= tile:
        return _Split([0], extent)

    def advances(size: int) -> int:
        # In units of `multiple`, so that neighbours never lie further apart than the largest step that keeps the
        # overlap.
        return -(-_units(extent - size, multiple) // ((size - overlap) // multiple))

    least = overlap + multiple
    size = next(s for s in range(least + -least % multiple, tile + 1, multiple) if advances(s) == advances(tile))
    last, count = extent - size, advances(size)
    # The last origin may miss the raster of `multiple` only if the extent does; networks need extents on it.
    return _Split([i * _units(last, multiple) // count * multiple for i in range(count)] + [last], size)


def _units(cells: int, multiple: int) -> int:
    """How many times `multiple` it takes to hold `cells`."""
    return -(-cells // multiple)


def ramp(window: Window, height: int, width: int, overlap: int) -> Tensor:
    """[window height, window width] weights in (0, 1]: rise over `overlap` cells from borders inside the picture."""

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
    """Weighted mean of run(x in the window, window) over `windows`, for x [F, C, h, w]; one window runs as it is."""
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
        raise ValueError("there is no window to run")
    return total.div_(weights.to(total.dtype))
