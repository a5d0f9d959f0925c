"""Promises of splitting large latents into windows and blending what comes back."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor

from answerprint.temporal.options import MethodOptions
from answerprint.temporal.protocols import Window
from answerprint.temporal.sampler import Tiles, denoise_chunk
from answerprint.temporal.tiling import blend_windows, plan_windows, ramp
from temporal.models import CPU, Latents, Oracle, chunk_of


@st.composite
def plans(draw: st.DrawFn) -> tuple[int, int, int, int, int]:
    """Height, width, tile, overlap and multiple, of which a plan can be made."""
    multiple = draw(st.integers(1, 4))
    tile, overlap = draw(st.integers(1, 24)), draw(st.integers(0, 12))
    assume(tile - tile % multiple - overlap >= multiple)
    height, width = draw(st.integers(1, 60)), draw(st.integers(1, 60))
    return height, width, tile, overlap, multiple


@settings(deadline=None, max_examples=300)
@given(plans())
def test_windows_cover_every_cell_and_neighbours_overlap_enough(plan: tuple[int, int, int, int, int]) -> None:
    height, width, tile, overlap, multiple = plan
    windows = plan_windows(height, width, tile, overlap, multiple)
    seen = torch.zeros(height, width, dtype=torch.int)
    for w in windows:
        assert min(w.top, w.left) >= 0
        assert w.height <= max(tile, 1)
        assert w.width <= max(tile, 1)
        seen[w.top : w.top + w.height, w.left : w.left + w.width] += 1
        assert w.top % multiple == 0 or w.top + w.height == height
        assert w.left % multiple == 0 or w.left + w.width == width
        assert w.height == height or w.height % multiple == 0
        assert w.width == width or w.width % multiple == 0
    assert bool((seen > 0).all())
    assert len(set(windows)) == len(windows)
    for starts, extent in (
        (sorted({(w.top, w.height) for w in windows}), height),
        (sorted({(w.left, w.width) for w in windows}), width),
    ):
        assert sum(starts[-1]) == extent
        for (a, size), (b, _) in pairwise(starts):
            assert a + size - b >= overlap


@settings(deadline=None, max_examples=300)
@given(plans())
def test_windows_are_few_and_cost_little_more_than_the_picture(plan: tuple[int, int, int, int, int]) -> None:
    height, width, tile, overlap, multiple = plan
    windows = plan_windows(height, width, tile, overlap, multiple)
    if len(windows) == 1:
        return
    largest, shared = tile - tile % multiple, overlap + -overlap % multiple
    for sizes, starts, extent in (
        ({w.height for w in windows}, {w.top for w in windows}, height),
        ({w.width for w in windows}, {w.left for w in windows}, width),
    ):
        (size,), count = sizes, len(starts)
        # One fewer would not reach, however large, and all together hold what is shared once, and rounding.
        assert count == 1 or extent > largest + (count - 2) * (largest - shared)
        assert count * size < extent + (count - 1) * shared + count * multiple


@pytest.mark.parametrize(("extent", "tile", "overlap", "multiple"), [(170, 160, 20, 1), (240, 128, 16, 8)])
def test_a_side_that_just_does_not_fit_costs_nothing_like_twice(
    extent: int, tile: int, overlap: int, multiple: int
) -> None:
    windows = plan_windows(100, extent, tile, overlap, multiple)
    cells = sum(w.height * w.width for w in windows)
    assert len(windows) == 2
    assert cells <= 100 * (extent + overlap + 2 * (multiple - 1))


@settings(deadline=None)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 8))
def test_what_fits_one_window_is_not_split(height: int, width: int, overlap: int) -> None:
    whole = [Window(0, 0, height, width)]
    assert plan_windows(height, width, 0, overlap) == whole
    assert plan_windows(height, width, 60, overlap) == whole


@pytest.mark.parametrize(("tile", "overlap", "multiple"), [(8, 8, 1), (8, 9, 1), (8, 7, 2), (3, 0, 4), (9, 7, 4)])
def test_an_overlap_that_leaves_no_room_is_refused(tile: int, overlap: int, multiple: int) -> None:
    with pytest.raises(ValueError, match="cannot overlap"):
        plan_windows(64, 64, tile, overlap, multiple)


@settings(deadline=None)
@given(plans())
def test_ramps_are_positive_and_full_at_the_border_of_the_picture(plan: tuple[int, int, int, int, int]) -> None:
    height, width, tile, overlap, multiple = plan
    for w in plan_windows(height, width, tile, overlap, multiple):
        weight = ramp(w, height, width, overlap)
        assert weight.shape == (w.height, w.width)
        assert float(weight.min()) > 0
        assert float(weight.max()) <= 1
        if w.top == 0 and w.height == height:
            assert bool((weight == weight[:1]).all())


@settings(deadline=None)
@given(plans(), st.floats(-100, 100))
def test_a_constant_blends_to_itself(plan: tuple[int, int, int, int, int], value: float) -> None:
    height, width, tile, overlap, multiple = plan
    windows = plan_windows(height, width, tile, overlap, multiple)
    x = torch.full((1, 1, height, width), value)
    blended = blend_windows(x, windows, overlap, lambda part, window: part)
    torch.testing.assert_close(blended, x, rtol=1e-5, atol=1e-6)


def test_the_result_may_have_other_channels_than_the_input() -> None:
    windows = plan_windows(20, 20, 12, 4)
    x = torch.randn(2, 3, 20, 20, generator=torch.Generator().manual_seed(0))
    blended = blend_windows(x, windows, 4, lambda part, window: part[:, :1])
    torch.testing.assert_close(blended, x[:, :1])


def test_one_window_is_run_as_it_is() -> None:
    x = torch.randn(1, 2, 9, 9, generator=torch.Generator().manual_seed(0)) * 1e-3
    assert torch.equal(blend_windows(x, [Window(0, 0, 9, 9)], 4, lambda part, window: part / 3), x / 3)


def restore(model: Oracle, latent: Tensor, tiles: Tiles) -> Tensor:
    """Two frames restored alone in several steps, in windows."""
    condition = Latents(latent, (float(latent.shape[2]), float(latent.shape[3])))
    options = MethodOptions(consistency=False, noise="independent")
    x, _ = denoise_chunk(model, condition, chunk_of((0, 1)), 0, None, None, options, 3, device=CPU, tiles=tiles)
    return x


def test_a_tiled_run_of_a_model_without_context_equals_the_untiled_run() -> None:
    """Noise, conditions and the sampler see whole latents, whatever the windows."""
    latent = torch.randn(2, 3, 30, 44, generator=torch.Generator().manual_seed(0))
    model = Oracle(lambda x, c: torch.tanh(x) + c.latent.square(), steps=3, stochastic=True)
    whole, tiled = restore(model, latent, Tiles()), restore(model, latent, Tiles(16, 4, 2))
    torch.testing.assert_close(tiled, whole, atol=1e-5, rtol=1e-5)


def test_seams_show_no_more_than_a_small_part_of_what_windows_change() -> None:
    """A convolutional model that sees 3 cells around: only a window's outer 3 cells are wrong, and weigh little."""
    generator = torch.Generator().manual_seed(1)
    kernels = [torch.randn(3, 3, 3, 3, generator=generator) / 27**0.5 for _ in range(3)]

    def network(x: Tensor, condition: Latents) -> Tensor:
        for kernel in kernels:
            x = torch.tanh(F.conv2d(x, kernel, padding=1))
        return x + condition.latent

    latent = torch.randn(2, 3, 48, 80, generator=generator)
    whole = restore(Oracle(network), latent, Tiles())
    blended = (restore(Oracle(network), latent, Tiles(32, 12)) - whole).abs()
    butted = (restore(Oracle(network), latent, Tiles(32, 0)) - whole).abs()
    windows = plan_windows(48, 80, 32, 12)
    wrong = torch.zeros(48, 80, dtype=torch.bool)
    for w in windows:
        for edge, extent in ((w.top, 48), (w.top + w.height, 48)):
            if 0 < edge < extent:
                wrong[max(0, edge - 3) : edge + 3, w.left : w.left + w.width] = True
        for edge, extent in ((w.left, 80), (w.left + w.width, 80)):
            if 0 < edge < extent:
                wrong[w.top : w.top + w.height, max(0, edge - 3) : edge + 3] = True
    assert float(blended[..., ~wrong].max()) < 1e-5
    assert float(blended.max()) < 0.35 * float(butted.max())
