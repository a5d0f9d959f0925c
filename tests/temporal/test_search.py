"""Promises of finding matches by similarity in a window."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from answerprint.temporal.grid import Grid
from answerprint.temporal.matching import NEVER, radius, search_all, search_window
from answerprint.temporal.options import MethodOptions
from temporal.scenes import photograph, raster

DTYPES = st.sampled_from([torch.float32, torch.float64])
RADII = st.sampled_from([None, 1.0, 4.0, 30.0])


@st.composite
def searches(draw: st.DrawFn, largest: int = 19) -> tuple[Tensor, Tensor, Grid]:
    """Tokens of up to 2 frames and a keyframe on a padded grid; odd sizes and several blocks of 8 occur."""
    height, width = draw(st.integers(1, largest)), draw(st.integers(1, largest))
    grid = Grid(height, width, height - draw(st.floats(0, height - 1)), width - draw(st.floats(0, width - 1)))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 9999)))
    dtype = draw(DTYPES)
    source = torch.randn(draw(st.integers(1, 2)), grid.size, 5, generator=generator, dtype=dtype)
    return source, torch.randn(grid.size, 5, generator=generator, dtype=dtype), grid


def places(grid: Grid) -> Tensor:
    """[A, 2] row and column of each token."""
    return torch.cartesian_prod(torch.arange(grid.height), torch.arange(grid.width)).float().view(-1, 2)


def slowly(
    source: Tensor, key: Tensor, grid: Grid, reach: int, r: float | None, centre: Tensor | None
) -> tuple[Tensor, Tensor]:
    """The search, one pair at a time in the words of Eq. 2 and 7: similarities [A] of a window, the rest closed."""
    place, padding = places(grid), grid.padding()
    targets, scores = [], []
    for s in range(len(source)):
        c = place if centre is None else centre[s]
        near = (place[None] - torch.floor(c[:, None] + 0.5)).abs().amax(-1) <= reach
        cosine = F.cosine_similarity(source[s, :, None], key[None], dim=-1).clamp(-1, 1)
        distance = (place[None] - c[:, None]).square().sum(-1)
        weight = 1.0 if r is None else torch.exp(-torch.floor(distance / r))
        score = torch.where(near & ~padding[None, :] & ~padding[:, None], (1 + cosine) / 2 * weight, NEVER)
        best, target = score.max(1)
        targets.append(target)
        scores.append(best)
    return torch.stack(targets), torch.stack(scores)


def agree(found: tuple[Tensor, Tensor], expected: tuple[Tensor, Tensor]) -> None:
    """Equal scores; equal targets wherever there is a match."""
    torch.testing.assert_close(found[1], expected[1].to(found[1].dtype), atol=2e-6, rtol=0)
    matched = expected[1] > NEVER
    assert torch.equal(found[1] > NEVER, matched)
    assert torch.equal(found[0][matched], expected[0][matched])


@settings(deadline=None, max_examples=60)
@given(searches(), RADII)
def test_a_window_that_covers_the_frame_finds_what_a_full_search_finds(
    search: tuple[Tensor, Tensor, Grid], r: float | None
) -> None:
    source, key, grid = search
    agree(search_window(source, key, grid, max(grid.height, grid.width), r), search_all(source, key, grid, r))


@settings(deadline=None, max_examples=15)
@given(searches(largest=7), RADII, st.integers(0, 999))
def test_a_moved_window_that_covers_the_frame_finds_what_a_full_search_with_that_centre_finds(
    search: tuple[Tensor, Tensor, Grid], r: float | None, seed: int
) -> None:
    source, key, grid = search
    generator = torch.Generator().manual_seed(seed)
    shift = torch.randn(len(source), grid.size, 2, generator=generator).clamp(-2, 2)
    centre, reach = places(grid) + shift, max(grid.height, grid.width) + 2
    agree(search_window(source, key, grid, reach, r, centre), search_all(source, key, grid, r, centre))


@settings(deadline=None, max_examples=40)
@given(searches(), st.integers(1, 5), RADII)
def test_no_match_lies_outside_the_window_and_none_inside_is_better(
    search: tuple[Tensor, Tensor, Grid], reach: int, r: float | None
) -> None:
    source, key, grid = search
    agree(search_window(source, key, grid, reach, r), slowly(source, key, grid, reach, r, None))


@settings(deadline=None, max_examples=15)
@given(searches(largest=11), st.integers(1, 3), RADII, st.integers(0, 999))
def test_the_same_holds_around_where_the_flow_points(
    search: tuple[Tensor, Tensor, Grid], reach: int, r: float | None, seed: int
) -> None:
    """Also where it points out of the frame: then there is no match."""
    source, key, grid = search
    generator = torch.Generator().manual_seed(seed)
    centre = places(grid) + 4 * torch.randn(len(source), grid.size, 2, generator=generator)
    agree(search_window(source, key, grid, reach, r, centre), slowly(source, key, grid, reach, r, centre))


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 19), st.integers(1, 19), st.integers(1, 4), st.booleans(), st.integers(0, 999))
def test_of_equal_matches_the_lowest_index_wins(height: int, width: int, reach: int, moved: bool, seed: int) -> None:
    """Three kinds of tokens, so nearly all are tied; unit vectors, so the tie is exact."""
    grid = raster(height, width)
    kind = torch.randint(3, (2, grid.size), generator=torch.Generator().manual_seed(seed))
    source, key = torch.eye(3)[kind[0]][None], torch.eye(3)[kind[1]]
    centre = places(grid)[None] if moved else None
    found = search_window(source, key, grid, reach, None, centre)
    agree(found, slowly(source, key, grid, reach, None, centre))


@settings(deadline=None)
@given(searches(), st.integers(1, 4))
def test_padding_is_neither_source_nor_target(search: tuple[Tensor, Tensor, Grid], reach: int) -> None:
    source, key, grid = search
    target, score = search_window(source, key, grid, reach, 4.0)
    padding = grid.padding()
    assert bool((score[:, padding] == NEVER).all())
    assert bool((score[:, ~padding] >= 0).all())
    assert not padding[target[:, ~padding]].any()
    assert bool((target >= 0).all())
    assert bool((target < grid.size).all())


def test_the_radius_grows_with_the_picture_not_with_its_padding() -> None:
    assert radius(Grid(4, 64, 4, 50), 0) == 1
    assert radius(Grid(4, 100, 4, 90), 0) == 9
    assert radius(Grid(4, 100, 4, 90), 2.5) == 2.5


def moved_photograph(grid: Grid, noise: float) -> tuple[Tensor, Tensor]:
    """Tokens [1, A, 192] and [A, 192] of a photograph and of the same moved a little, both noisy.

    They are what a network has in its place before it has learnt anything: the pixels of each cell.
    """
    wide = photograph(grid.height * 8 + 8, grid.width * 8 + 8)

    def tokens(top: int, left: int, seed: int) -> Tensor:
        view = wide[:, top : top + grid.height * 8, left : left + grid.width * 8]
        view = view + noise * torch.randn(view.shape, generator=torch.Generator().manual_seed(seed))
        return F.pixel_unshuffle(view, 8).flatten(1).T.contiguous()

    return tokens(2, 5, 1)[None], tokens(4, 4, 0)


@pytest.mark.parametrize("noise", [0.0, 0.3, 3.0])
@pytest.mark.parametrize("width", [59, 80, 149, 190, 320])
def test_the_default_search_finds_what_a_full_search_finds_on_grids_of_any_size(noise: float, width: int) -> None:
    grid, options = raster(12, width), MethodOptions()
    source, key = moved_photograph(grid, noise)
    r = radius(grid, options.spatial_radius)
    found, _ = search_window(source, key, grid, options.window, r)
    full, _ = search_all(source, key, grid, r)
    assert float((found == full).float().mean()) >= 0.999


@settings(deadline=None, max_examples=100)
@given(searches(), RADII, st.booleans(), st.integers(0, 999))
def test_an_unlimited_search_finds_what_a_full_search_finds_whatever_the_tokens(
    search: tuple[Tensor, Tensor, Grid], r: float | None, moved: bool, seed: int
) -> None:
    """Also for tokens that are the opposite of all that is near by: with few channels there are many."""
    source, key, grid = search
    shift = torch.randn(len(source), grid.size, 2, generator=torch.Generator().manual_seed(seed))
    centre = places(grid) + 4 * shift if moved else None
    agree(search_window(source, key, grid, 0, r, centre), search_all(source, key, grid, r, centre))


def test_a_token_opposite_to_all_near_by_is_matched_farther_away() -> None:
    grid = raster(40, 60)
    source, key = torch.eye(2)[:1].expand(1, grid.size, 2), -torch.eye(2)[:1].repeat(grid.size, 1)
    key[8] = source[0, 0]
    found, score = search_window(source, key, grid, 0, 9.0)
    agree((found, score), search_all(source, key, grid, 9.0))
    assert found[0, 0] == 8
    assert float(score[0, 0]) == pytest.approx(math.exp(-7))


@pytest.mark.parametrize("reach", [2, 3, 5, 7])
def test_a_window_that_holds_all_tokens_of_full_weight_finds_what_a_full_search_finds(reach: int) -> None:
    """Whatever the noise: beyond it a weight of at most 1/e cannot win unless everything near by is opposite."""
    grid = raster(20, 40)
    source, key = moved_photograph(grid, 3.0)
    r = float((reach + 1) ** 2)
    found, _ = search_window(source, key, grid, reach, r)
    assert torch.equal(found, search_all(source, key, grid, r)[0])


IN_A_SMALL_SPACE = """
import resource, sys, torch
from answerprint.temporal.grid import Grid
from answerprint.temporal.matching import search_all, search_window

torch.set_num_threads(1)  # each thread would reserve address space of its own
frames, height, width, channels = 4, 64, 96, 48
grid = Grid(height, width, height, width)
generator = torch.Generator().manual_seed(0)
key = torch.randn(grid.size, channels, generator=generator)
source = torch.randn(frames, grid.size, channels, generator=generator)
small = Grid(9, 9, 9, 9)
for search in (lambda: search_window(source[:, :81], key[:81], small, 3, 4.0),
               lambda: search_all(source[:, :81], key[:81], small, 4.0)):
    search()  # what libraries reserve once
held = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
matrix = frames * grid.size**2 * 4
resource.setrlimit(resource.RLIMIT_AS, (held + matrix // 8, resource.RLIM_INFINITY))
search_window(source, key, grid, 3, 4.0)
search_window(source, key, grid, 0, 9.0)
try:
    search_all(source, key, grid, 4.0)
except RuntimeError as error:
    print("the full matrix did not fit:", "memory" in str(error))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits a process's address space as strictly")
def test_the_windowed_search_never_forms_the_full_similarity_matrix() -> None:
    """It runs in an eighth of that matrix's size, in which the oracle does not."""
    done = subprocess.run(
        [sys.executable, "-c", IN_A_SMALL_SPACE], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "the full matrix did not fit: True"
