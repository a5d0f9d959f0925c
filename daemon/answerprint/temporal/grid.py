"""Resample flow, masks and confidence from the grid they were measured on to the grid in use.

A grid is a raster of cells over a picture; its bottom and right may be padding. `content` is the number of cells, which
may be fractional, that the picture covers. Two grids over one picture are related by their contents.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from answerprint.temporal.protocols import Window

__all__ = ["Grid", "flow_on", "mean_on", "token_grid"]

_NARROW = 1e-6
"""Extent in cells of a field below which its value is read directly."""


@dataclass(frozen=True, slots=True)
class Grid:
    """A window of a raster that covers a padded picture."""

    height: int
    """Rows of cells in the window."""
    width: int
    """Columns of cells in the window."""
    content_height: float
    """Rows that the unpadded picture spans on the whole raster."""
    content_width: float
    """Columns that the unpadded picture spans on the whole raster."""
    top: int = 0
    """First row of the window on the whole raster."""
    left: int = 0
    """First column of the window on the whole raster."""

    @property
    def size(self) -> int:
        """Number of cells in the window."""
        return self.height * self.width

    def finer(self, factor: int) -> Grid:
        """The same window on a raster with `factor` x `factor` cells per cell."""
        return Grid(
            self.height * factor,
            self.width * factor,
            self.content_height * factor,
            self.content_width * factor,
            self.top * factor,
            self.left * factor,
        )

    def padding(self) -> Tensor:
        """[height * width] bool: True for cells without any picture."""
        row = torch.arange(self.height, dtype=torch.float64) + self.top >= self.content_height
        column = torch.arange(self.width, dtype=torch.float64) + self.left >= self.content_width
        return (row[:, None] | column[None, :]).reshape(-1)


def token_grid(window: Window, content: tuple[float, float], scale: int) -> Grid:
    """Grid of tokens of `scale` latent cells each over `window` of a latent with `content` cells of picture.

    A window that is not a multiple of `scale` gets a last, partial token, as strided convolutions give.
    """
    return Grid(
        -(-window.height // scale),
        -(-window.width // scale),
        content[0] / scale,
        content[1] / scale,
        window.top // scale,
        window.left // scale,
    )


def flow_on(flow: Tensor, grid: Grid) -> Tensor:
    """`flow` [2, h, w], in its own cells, resampled at the cell centres of `grid`: [2, height, width] in its cells.

    Cells of padding repeat the border.
    """
    flow_h, flow_w = flow.shape[-2:]
    ratio_x, ratio_y = grid.content_width / flow_w, grid.content_height / flow_h
    sampled = _at_centres(flow, grid)
    return sampled * sampled.new_tensor([ratio_x, ratio_y]).view(2, 1, 1)


def mean_on(field: Tensor, grid: Grid) -> Tensor:
    """Mean of `field` [h, w] over each cell of `grid`: [height, width].

    The mean, not the maximum: a cell counts as visible only to the extent that all of it is.
    """
    field_h, field_w = field.shape
    cells_y, cells_x = field_h / grid.content_height, field_w / grid.content_width
    if cells_y <= 1 and cells_x <= 1:
        return _at_centres(field[None], grid)[0]
    across = torch.arange(grid.width + 1, dtype=torch.float64, device=field.device) + grid.left
    down = torch.arange(grid.height + 1, dtype=torch.float64, device=field.device) + grid.top
    mean = _means(_means(field.double(), down * cells_y, 0), across * cells_x, 1)
    return mean.masked_fill(grid.padding().view_as(mean).to(field.device), 0.0).to(field.dtype)


def _at_centres(field: Tensor, grid: Grid) -> Tensor:
    """`field` [c, h, w] at the centres of `grid`'s cells, bilinear, border repeated: [c, height, width]."""
    field_h, field_w = field.shape[-2:]
    if (grid.height, grid.width) == (field_h, field_w) == (grid.content_height, grid.content_width):
        return field
    rows = torch.arange(grid.height, dtype=torch.float32, device=field.device) + grid.top
    columns = torch.arange(grid.width, dtype=torch.float32, device=field.device) + grid.left
    y, x = (rows + 0.5) / grid.content_height, (columns + 0.5) / grid.content_width
    at = torch.stack(torch.meshgrid(y * 2 - 1, x * 2 - 1, indexing="ij")[::-1], -1)
    return F.grid_sample(field[None], at[None], mode="bilinear", padding_mode="border", align_corners=False)[0]


def _means(field: Tensor, borders: Tensor, dim: int) -> Tensor:
    """Means of `field` along `dim` between successive `borders`, in its cells; positions past its end are ignored."""
    borders = borders.clamp(max=field.shape[dim])
    extent = borders[1:] - borders[:-1]
    # Prefix sums, read at fractional positions.
    sums = F.pad(field.cumsum(dim), (0, 0, 1, 0) if dim == 0 else (1, 0))
    low, high = _between(sums, borders[:-1], dim), _between(sums, borders[1:], dim)
    # Only the last cell of a picture can be so narrow; there the difference of two sums is mostly rounding error.
    narrow = extent < _NARROW
    last = field.narrow(dim, field.shape[dim] - 1, 1)
    return torch.where(_along(narrow, dim), last, (high - low) / _along(extent.clamp(min=_NARROW), dim))


def _between(table: Tensor, at: Tensor, dim: int) -> Tensor:
    """Linear interpolation of `table` along `dim` at fractional positions `at`."""
    low = at.floor().long().clamp(max=table.shape[dim] - 1)
    high = (low + 1).clamp(max=table.shape[dim] - 1)
    share = _along(at - low, dim)
    return table.index_select(dim, low) * (1 - share) + table.index_select(dim, high) * share


def _along(values: Tensor, dim: int) -> Tensor:
    """`values` [n] as a column (`dim` 0) or a row (`dim` 1)."""
    return values[:, None] if dim == 0 else values[None, :]
