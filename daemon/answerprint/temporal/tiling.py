"""Large frames: the network sees overlapping windows of the latent, and its outputs are blended.

Only the network works on windows. Noise, warping and the sampler see whole latents, so a window's border is never a
border of the picture.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from .protocols import Window

__all__ = ["blend_windows", "plan_windows", "ramp"]


def plan_windows(height: int, width: int, tile: int, overlap: int, multiple: int = 1) -> list[Window]:
    """Windows of at most `tile` x `tile` cells that cover height x width, neighbours sharing at least `overlap`.

    `tile` 0 gives one window. Origins are multiples of `multiple` (the network's coarsest token), tile sizes are
    rounded down to it. Raises ValueError when the overlap leaves no room to advance by one multiple.
    """
    if tile <= 0 or (height <= tile and width <= tile):
        return [Window(0, 0, height, width)]
    tile -= tile % multiple
    if tile - overlap < multiple:
        raise ValueError(f"tiles of {tile} cells cannot overlap by {overlap}")
    tops, lefts = (_origins(extent, tile, overlap, multiple) for extent in (height, width))
    return [Window(top, left, min(tile, height), min(tile, width)) for top in tops for left in lefts]


def _origins(extent: int, tile: int, overlap: int, multiple: int) -> list[int]:
    """Evenly spread origins along one axis; the last tile ends with the picture."""
    if extent <= tile:
        return [0]
    last = extent - tile
    # In units of `multiple`, so that neighbours never lie further apart than the largest step that keeps the overlap.
    far, step = -(-last // multiple), (tile - overlap) // multiple
    before = -(-far // step)
    # The last origin may miss the raster of `multiple` only if the extent does; networks need extents on it.
    return [i * far // before * multiple for i in range(before)] + [last]


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
        total[..., rows, columns] += out * weight.to(out.dtype)
        weights[rows, columns] += weight
    if total is None:
        raise ValueError("there is no window to run")
    return total / weights.to(total.dtype)
