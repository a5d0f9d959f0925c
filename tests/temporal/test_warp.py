"""Promises of latent warping."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from answerprint.temporal.grid import Grid
from answerprint.temporal.options import Carry, Sampling
from answerprint.temporal.protocols import Correspondence
from answerprint.temporal.warp import Link, blend, link, tolerance_for, trust, warp, warp_chunk
from temporal.models import PLAIN
from temporal.scenes import Rectangle, Scene, photograph, raster, still, turned

SIZE = (48, 64)
SAMPLINGS: list[Sampling] = ["bilinear", "bicubic"]
PLATES: tuple[Rectangle, ...] = ((10, 12, 16, 14), (14, 26, 16, 14))
OPTIONS = PLAIN

CAMERAS = {
    "whole pixels": turned(1, 0, 3, -2),
    "half pixels": turned(1, 0, 2.5, 1.5),
    "zoom": turned(1.12, 0),
    "rotation": turned(1, 6),
    "all at once": turned(0.93, -4, 1.7, 2.2),
}
BOUND: dict[Sampling, float] = {"bilinear": 0.12, "bicubic": 0.03}
"""Root mean square error allowed, for a texture of standard deviation 1 whose shortest wave is 10 cells."""


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from(SAMPLINGS), st.integers(0, 99))
def test_no_flow_gives_the_latent_itself_at_any_size(height: int, width: int, sampling: Sampling, seed: int) -> None:
    z = torch.randn(3, height, width, generator=torch.Generator().manual_seed(seed))
    assert torch.equal(warp(z, torch.zeros(2, height, width), sampling), z)


@settings(deadline=None, max_examples=40)
@given(st.integers(2, 40), st.integers(2, 40), st.sampled_from(SAMPLINGS), st.integers(-5, 5), st.integers(-5, 5))
def test_whole_cells_are_moved_unchanged_and_the_border_is_repeated(
    height: int, width: int, sampling: Sampling, right: int, down: int
) -> None:
    z = torch.randn(2, height, width, generator=torch.Generator().manual_seed(height * width))
    flow = torch.tensor([float(right), float(down)]).view(2, 1, 1).expand(2, height, width)
    rows = (torch.arange(height) + down).clamp(0, height - 1)
    columns = (torch.arange(width) + right).clamp(0, width - 1)
    torch.testing.assert_close(warp(z, flow, sampling), z[:, rows][:, :, columns], atol=1e-4, rtol=0)


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_latents_are_moved_as_precisely_as_others(dtype: torch.dtype, sampling: Sampling) -> None:
    z = torch.randn(1, 4, 1500, generator=torch.Generator().manual_seed(0)).to(dtype)
    flow = torch.tensor([7.0, 0.0]).view(2, 1, 1).expand(2, 4, 1500)
    assert warp(z, flow, sampling).dtype == dtype
    torch.testing.assert_close(warp(z, flow, sampling)[..., :-7], z[..., 7:], atol=0.02, rtol=0.02)


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("camera", CAMERAS)
@pytest.mark.parametrize("plates", [(), PLATES], ids=["no plate", "plate"])
def test_warping_by_the_true_motion_gives_the_frame(
    sampling: Sampling, camera: str, plates: tuple[Rectangle, ...]
) -> None:
    scene = Scene(*SIZE, (turned(1, 0), CAMERAS[camera]), plates)
    here, there = scene.picture(0), scene.picture(1)
    path = link(scene.between(0, 1), raster(*SIZE), OPTIONS)
    seen = path.weight == 1
    assert float(seen.float().mean()) > 0.6
    error = (warp(there, path.flow, sampling) - here)[:, seen]
    assert float(error.square().mean().sqrt()) < BOUND[sampling]


def test_a_photograph_panned_by_half_a_pixel_comes_back_better_than_it_was() -> None:
    wide = photograph(200, 304)
    halves = [wide[:, :, start : start + 300].unfold(1, 2, 2).unfold(2, 2, 2).mean((-1, -2)) for start in (0, 1)]
    flow = torch.tensor([-0.5, 0.0]).view(2, 1, 1).expand(2, *halves[0].shape[1:])
    aside = (halves[1] - halves[0])[..., 2:-2].square().mean()
    back = {s: (warp(halves[0], -flow, s) - halves[1])[..., 2:-2].square().mean() for s in SAMPLINGS}
    assert float(back["bilinear"]) < 0.25 * float(aside)
    assert float(back["bicubic"]) < 0.8 * float(back["bilinear"])


@pytest.mark.parametrize("plates", [(), PLATES], ids=["no plate", "plate"])
def test_what_is_hidden_or_outside_keeps_its_own_value(plates: tuple[Rectangle, ...]) -> None:
    scene = Scene(*SIZE, (turned(1, 0), turned(1, 0, 9, 0)), plates)
    path = link(scene.between(0, 1), raster(*SIZE), OPTIONS)
    hidden = scene.between(0, 1).valid == 0
    assert bool((path.weight[hidden] == 0).all())
    assert bool(hidden.any())
    z = torch.stack([scene.picture(0), scene.picture(1)])
    out, _ = warped(z, 1, [path, None], [None, None], None, None, OPTIONS)
    assert torch.equal(out[0][:, hidden], z[0][:, hidden])
    assert not torch.equal(out[0][:, ~hidden], z[0][:, ~hidden])


def test_padding_keeps_its_own_value() -> None:
    path = link(still(9, 14), Grid(10, 16, 9.5, 14.0), OPTIONS)
    assert bool((path.weight[:, 14:] == 0).all())
    assert bool((path.weight[:, :14] == 1).all())


def test_a_soft_mask_follows_confidence_and_a_hard_one_trusts_only_what_is_wholly_seen() -> None:
    valid = torch.ones(4, 8)
    valid[0, 0] = 0
    motion = Correspondence(torch.zeros(2, 4, 8), valid, torch.full((4, 8), 0.5))
    hard = link(motion, raster(2, 4), OPTIONS).weight
    soft = link(motion, raster(2, 4), replace(OPTIONS, warp_mask="soft")).weight
    expected = torch.ones(2, 4)
    expected[0, 0] = 0
    assert torch.equal(hard, expected)
    expected[0, 0] = 0.75
    torch.testing.assert_close(soft, 0.5 * expected)


@settings(deadline=None)
@given(st.integers(0, 99))
def test_blending_is_exact_at_both_ends(seed: int) -> None:
    z, moved = torch.randn(2, 3, 5, 5, generator=torch.Generator().manual_seed(seed)) * 100
    assert torch.equal(blend(z, moved, torch.zeros(5, 5)), z)
    assert torch.equal(blend(z, moved, torch.ones(5, 5)), moved)


def warped(z: Tensor, *args: Any) -> tuple[Tensor, Tensor]:  # noqa: ANN401 - those of `warp_chunk`
    """Latents as `warp_chunk` leaves those of `z`, which stay what they are, and what it hands on."""
    out = z.clone()
    return out, warp_chunk(out, *args)


def three_frames() -> tuple[Tensor, Tensor, list[Link | None], Link]:
    """Latents of three frames, the carried key's, and links of a static scene, of which half is seen."""
    z = torch.randn(4, 3, 6, 8, generator=torch.Generator().manual_seed(3))
    weight = torch.ones(6, 8)
    weight[:, 4:] = 0
    path = Link(torch.zeros(2, 6, 8), weight)
    return z[:3], z[3], [path, None, path], path


def test_the_key_takes_the_previous_key_before_the_chunk_takes_the_key() -> None:
    z, previous, paths, to_previous = three_frames()
    out, _ = warped(z, 1, paths, [None] * 3, previous, to_previous, OPTIONS)
    assert torch.equal(out[..., :4], previous[None, ..., :4].expand(3, -1, -1, -1))
    assert torch.equal(out[..., 4:], z[..., 4:])


@pytest.mark.parametrize("carry", ["before", "after"])
@pytest.mark.parametrize("has_previous", [True, False])
def test_the_carried_key_is_the_one_asked_for_and_keeps_no_other_latent_alive(carry: Carry, has_previous: bool) -> None:
    z, previous, paths, to_previous = three_frames()
    options = replace(OPTIONS, warp_carry=carry)
    before, link_back = (previous, to_previous) if has_previous else (None, None)
    out, carried = warped(z, 1, paths, [None] * 3, before, link_back, options)
    assert torch.equal(carried, z[1] if carry == "before" else out[1])
    assert carried.untyped_storage().nbytes() == carried.nbytes


def test_each_link_of_the_hierarchy_can_be_left_out() -> None:
    z, previous, paths, to_previous = three_frames()
    no_global = replace(OPTIONS, warp_global=False)
    out, _ = warped(z, 1, paths, [None] * 3, previous, to_previous, no_global)
    assert torch.equal(out[1], z[1])
    assert torch.equal(out[0, ..., :4], z[1, ..., :4])
    no_local = replace(OPTIONS, warp_local=False)
    out, _ = warped(z, 1, paths, [None] * 3, previous, to_previous, no_local)
    assert torch.equal(out[[0, 2]], z[[0, 2]])
    assert torch.equal(out[1, ..., :4], previous[..., :4])


@settings(deadline=None)
@given(st.floats(0, 1))
def test_strength_is_the_share_that_the_warp_replaces(strength: float) -> None:
    z, _, paths, _ = three_frames()
    out, _ = warped(z, 1, paths, [None] * 3, None, None, replace(OPTIONS, warp_strength=strength))
    expected = (1 - strength) * z[0] + strength * z[1]
    torch.testing.assert_close(out[0, ..., :4], expected[..., :4])


def test_fusing_a_static_chunk_reduces_independent_errors_by_the_root_of_its_length() -> None:
    frames = 9
    errors = torch.randn(frames, 4, 40, 40, generator=torch.Generator().manual_seed(4))
    path = Link(torch.zeros(2, 40, 40), torch.ones(40, 40))
    paths: list[Link | None] = [path] * frames
    paths[4] = None
    out, _ = warped(errors, 4, paths, paths, None, None, replace(OPTIONS, warp_source="fused"))
    assert out.std(unbiased=False).item() == pytest.approx(frames**-0.5, rel=0.03)
    assert torch.equal(out, out[:1].expand_as(out))


def test_fusing_leaves_out_what_a_frame_does_not_see() -> None:
    z, _, paths, _ = three_frames()
    out, _ = warped(z, 1, paths, paths, None, None, replace(OPTIONS, warp_source="fused"))
    assert torch.equal(out[1, ..., 4:], z[1, ..., 4:])
    torch.testing.assert_close(out[1, ..., :4], z[..., :4].mean(0))


def test_trust_is_whole_where_latents_agree_and_gone_where_they_do_not() -> None:
    z = torch.randn(3, 12, 16, generator=torch.Generator().manual_seed(0))
    moved = z.clone()
    moved[:, :, 8:] += 1.0

    def differing(a: Tensor, b: Tensor) -> Tensor:
        return (a - b).square().mean(0)

    found = trust(differing(moved, z), 0.1)
    assert torch.equal(found[:, :5], torch.ones(12, 5))
    assert float(found[:, 11:].max()) < 1e-6
    assert torch.equal(trust(differing(moved, z), 0.0), torch.ones(12, 16))
    assert float(trust(differing(z + 0.1, z), 0.1)[6, 8]) == pytest.approx(math.exp(-1), rel=1e-4)


def test_a_warp_that_disagrees_with_the_frame_leaves_it_alone() -> None:
    """A wrong flow, with a mask that does not know it, must not put one thing's picture on another."""
    stay = Link(torch.zeros(2, 12, 16), torch.ones(12, 16))
    z = torch.stack([torch.zeros(3, 12, 16), torch.ones(3, 12, 16)])
    options = replace(PLAIN, warp_tolerance=0.1, warp_strength=1.0)
    out, _ = warped(z, 0, [None, stay], [None, stay], None, None, options)
    torch.testing.assert_close(out, z)
    trusting, _ = warped(z, 0, [None, stay], [None, stay], None, None, replace(options, warp_tolerance=0.0))
    torch.testing.assert_close(trusting[1], z[0])


def test_fine_detail_that_differs_is_no_disagreement_but_another_tone_is() -> None:
    """Two drawings of one texture: low-passed they agree, however much their pixels differ."""
    stay = Link(torch.zeros(2, 48, 64), torch.ones(48, 64))
    texture = 0.2 * torch.randn(2, 3, 48, 64, generator=torch.Generator().manual_seed(3))
    options = replace(PLAIN, warp_tolerance=0.1, warp_strength=1.0)
    out, _ = warped(texture, 0, [None, stay], [None, stay], None, None, options)
    followed = 1 - float((out[1] - texture[0]).square().mean() / (texture[1] - texture[0]).square().mean())
    assert followed > 0.75
    apart = texture + torch.tensor([0.0, 0.3])[:, None, None, None]
    out, _ = warped(apart, 0, [None, stay], [None, stay], None, None, options)
    followed = 1 - float((out[1] - apart[0]).square().mean() / (apart[1] - apart[0]).square().mean())
    assert followed < 0.1


def test_noise_of_the_clip_widens_the_tolerance_and_nothing_gives_trust_to_the_mask_alone() -> None:
    assert tolerance_for(0.1, 0.0) == 0.1
    assert tolerance_for(0.1, 50 / 255) > 0.3
    assert tolerance_for(0.0, 50 / 255) == 0.0


def high_energy(z: Tensor) -> float:
    """Mean square of what a blur of 3 x 3 takes away, borders left out."""
    fine = z - torch.nn.functional.avg_pool2d(z, 3, stride=1, padding=1)
    return float(fine[..., 4:-4, 4:-4].square().mean())


def test_sharp_sampling_keeps_the_detail_of_a_moved_texture_within_five_percent() -> None:
    rough = torch.randn(1, 3, 64, 96, generator=torch.Generator().manual_seed(5))
    z = torch.nn.functional.interpolate(rough, scale_factor=1.2, mode="bicubic")[0]
    height, width = z.shape[1:]
    # All positions between cells, as a slow zoom has them.
    ramp = torch.linspace(0.0, 2.0, width).expand(height, width)
    flow = torch.stack([ramp, ramp])
    kept = {kind: high_energy(warp(z, flow, kind)) / high_energy(z) for kind in ("bilinear", "bicubic", "sharp")}
    assert kept["bilinear"] < kept["bicubic"] < 0.95 < kept["sharp"] < 1.05


def test_sharp_sampling_does_not_sharpen_what_moves_by_whole_cells_however_often() -> None:
    z = torch.randn(3, 20, 24, generator=torch.Generator().manual_seed(6))
    moved = z
    for _ in range(20):
        moved = warp(moved, torch.zeros(2, 20, 24) + 1.0, "sharp")
        moved = warp(moved, torch.zeros(2, 20, 24) - 1.0, "sharp")
    torch.testing.assert_close(moved[..., 2:-2, 2:-2], z[..., 2:-2, 2:-2], atol=1e-3, rtol=0)


def test_a_fused_keyframe_is_as_sharp_as_its_neighbours() -> None:
    """Each frame draws detail of its own: the keyframe keeps as much of its own as the others do."""
    frames = 9
    z = torch.randn(frames, 3, 40, 40, generator=torch.Generator().manual_seed(7))
    path = Link(torch.zeros(2, 40, 40), torch.ones(40, 40))
    paths: list[Link | None] = [path] * frames
    paths[4] = None
    options = replace(OPTIONS, warp_source="fused", warp_strength=0.6)
    out, _ = warped(z, 4, paths, paths, None, None, options)
    energy = out.square().mean((1, 2, 3))
    others = energy[[k for k in range(frames) if k != 4]]
    assert float(energy[4] / others.mean()) == pytest.approx(1, abs=0.05)
