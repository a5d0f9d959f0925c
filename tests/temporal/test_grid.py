"""Promises of bringing fields from one grid to another."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from answerprint.temporal.grid import Grid, flow_on, mean_on, token_grid
from answerprint.temporal.protocols import Window

FIELD = st.tuples(st.integers(1, 24), st.integers(1, 24))
CONTENT = st.floats(1, 12)


def shares(cells: int, first: int, content: float, extent: int) -> Tensor:
    """[cells, extent]: share of each field cell in each of `cells` cells, in exact fractions; 0 for cells of padding.

    The field's `extent` cells span `content` cells, of which `first` is the first of interest.
    """
    size = Fraction(extent) / Fraction(content)
    whole, nothing = Fraction(1), Fraction(0)
    rows = []
    for c in range(first, first + cells):
        begin, end = c * size, (c + 1) * size
        parts = [max(nothing, min(end, e + whole) - max(begin, e * whole)) for e in range(extent)]
        rows.append([float(part / (sum(parts) or whole)) for part in parts])
    return torch.tensor(rows, dtype=torch.float64)


@st.composite
def grids(draw: st.DrawFn) -> Grid:
    content_h, content_w = draw(CONTENT), draw(CONTENT)
    rows, columns = math.ceil(content_h) + draw(st.integers(0, 3)), math.ceil(content_w) + draw(st.integers(0, 3))
    top, left = draw(st.integers(0, rows - 1)), draw(st.integers(0, columns - 1))
    height, width = draw(st.integers(1, rows - top)), draw(st.integers(1, columns - left))
    return Grid(height, width, content_h, content_w, top, left)


@settings(deadline=None)
@given(FIELD, grids(), st.integers(0, 99))
def test_mean_is_the_mean_over_each_cells_area(shape: tuple[int, int], grid: Grid, seed: int) -> None:
    field = torch.rand(shape, generator=torch.Generator().manual_seed(seed))
    down, across = shape[0] / grid.content_height, shape[1] / grid.content_width
    if down <= 1 and across <= 1:
        return  # a finer grid than the field's: interpolated, tested below
    rows = shares(grid.height, grid.top, grid.content_height, shape[0])
    columns = shares(grid.width, grid.left, grid.content_width, shape[1])
    torch.testing.assert_close(mean_on(field, grid), (rows @ field.double() @ columns.T).float(), atol=1e-5, rtol=0)


@settings(deadline=None)
@given(FIELD, grids())
def test_mean_of_a_constant_is_the_constant_wherever_there_is_picture(shape: tuple[int, int], grid: Grid) -> None:
    mean = mean_on(torch.ones(shape), grid).reshape(-1)
    torch.testing.assert_close(mean[~grid.padding()], torch.ones(int((~grid.padding()).sum())), atol=1e-5, rtol=0)


@settings(deadline=None)
@given(FIELD, grids(), st.floats(-0.2, 0.2), st.floats(-0.2, 0.2))
def test_flow_is_the_same_share_of_the_picture_on_every_grid(
    shape: tuple[int, int], grid: Grid, right: float, down: float
) -> None:
    height, width = shape
    flow = torch.stack([torch.full(shape, right * width), torch.full(shape, down * height)])
    moved = flow_on(flow, grid)
    torch.testing.assert_close(moved[0], torch.full_like(moved[0], right * grid.content_width), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(moved[1], torch.full_like(moved[1], down * grid.content_height), atol=1e-5, rtol=1e-5)


@settings(deadline=None)
@given(st.integers(8, 40), st.integers(1, 4))
def test_flow_is_read_at_cell_centres(width: int, factor: int) -> None:
    """A flow that grows linearly over the picture does so on a grid `factor` times coarser too."""
    fine = torch.arange(width * factor, dtype=torch.float32).expand(width * factor, -1)
    flow = torch.stack([fine, fine.T])
    centre = (((torch.arange(width) + 0.5) * factor - 0.5) / factor).expand(width, -1)
    expected = torch.stack([centre, centre.T])
    torch.testing.assert_close(flow_on(flow, Grid(width, width, width, width)), expected, atol=1e-4, rtol=1e-5)


@settings(deadline=None)
@given(grids())
def test_a_window_reads_what_the_whole_raster_reads_there(grid: Grid) -> None:
    field = torch.rand(17, 23, generator=torch.Generator().manual_seed(1))
    whole = Grid(grid.top + grid.height, grid.left + grid.width, grid.content_height, grid.content_width)
    torch.testing.assert_close(mean_on(field, grid), mean_on(field, whole)[grid.top :, grid.left :])
    assert torch.equal(grid.padding(), whole.padding().view(whole.height, -1)[grid.top :, grid.left :].reshape(-1))


@pytest.mark.parametrize(("content", "rows_of_padding"), [(4.0, 2), (4.25, 1), (4.99, 1), (5.0, 1), (6.0, 0)])
def test_padding_is_what_holds_no_picture_at_all(content: float, rows_of_padding: int) -> None:
    padding = Grid(6, 3, content, 3.0).padding().view(6, 3)
    assert int(padding.all(1).sum()) == rows_of_padding
    assert int(padding.any(1).sum()) == rows_of_padding


def test_tokens_cover_a_window_that_is_not_a_multiple_of_their_size() -> None:
    assert token_grid(Window(8, 4, 7, 6), (14.5, 9.0), 2) == Grid(4, 3, 7.25, 4.5, 4, 2)


@settings(deadline=None)
@given(grids(), st.integers(1, 4))
def test_a_finer_grid_has_the_same_padding(grid: Grid, factor: int) -> None:
    """A fine cell of padding lies in a cell of padding, or in the part of a border cell beyond the picture."""
    fine = grid.finer(factor).padding().view(grid.height * factor, grid.width * factor)
    coarse = grid.padding().view(grid.height, grid.width)
    grown = coarse.repeat_interleave(factor, 0).repeat_interleave(factor, 1)
    assert bool((fine | ~grown).all())
