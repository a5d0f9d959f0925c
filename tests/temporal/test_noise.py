"""Promises of the noise that frames start from."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from answerprint.temporal.noise import base_noise, move_noise
from answerprint.temporal.options import Noise
from answerprint.temporal.sampler import CarriedState, denoise_chunk
from answerprint.temporal.warp import Link, link
from temporal.models import CPU, PLAIN, Latents, Oracle, chunk_of, motion_of
from temporal.scenes import Scene, raster, turned

SHAPE = (3, 12, 16)
MOTIONS = {
    "zoom in": turned(0.8, 0),
    "zoom out": turned(1.25, 0),
    "rotation": turned(1, 12),
    "all at once": turned(1.1, -7, 4.3, 2.6),
}


def test_base_noise_depends_on_seed_frame_and_step_alone() -> None:
    torch.manual_seed(1)
    first = base_noise(5, 17, 3, SHAPE)
    torch.manual_seed(2)
    torch.randn(7)
    assert torch.equal(first, base_noise(5, 17, 3, SHAPE))
    others = [base_noise(*where, SHAPE) for where in ((6, 17, 3), (5, 18, 3), (5, 17, 4), (5, 17, -1), (51, 7, 3))]
    for k, other in enumerate(others):
        assert all(not torch.equal(other, x) for x in [first, *others[:k]])


def test_drawing_noise_leaves_the_global_generator_alone() -> None:
    before = torch.random.get_rng_state()
    base_noise(0, 0, 0, SHAPE)
    assert torch.equal(before, torch.random.get_rng_state())


def numbered(height: int, width: int) -> tuple[Tensor, Tensor]:
    """Noise whose cells are numbered from 0, and fresh noise numbered below it."""
    cells = torch.arange(height * width, dtype=torch.float32).view(1, height, width)
    return cells, -1 - cells


@settings(deadline=None)
@given(st.integers(1, 20), st.integers(1, 20), st.floats(0, 8), st.integers(0, 999))
def test_no_cell_of_noise_is_used_twice_and_the_rest_is_fresh(
    height: int, width: int, spread: float, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    flow = torch.randn(2, height, width, generator=generator) * spread
    weight = (torch.rand(height, width, generator=generator) > 0.2).float()
    noise, fresh = numbered(height, width)
    moved = move_noise(noise, Link(flow, weight), fresh)
    assert len(set(moved.flatten().tolist())) == moved.numel()
    new = moved < 0
    assert torch.equal(moved[new], fresh[new])
    assert bool(new[0][weight == 0].all())


@settings(deadline=None)
@given(st.integers(1, 20), st.integers(1, 20))
def test_all_noise_follows_a_scene_that_does_not_move(height: int, width: int) -> None:
    noise, fresh = numbered(height, width)
    path = Link(torch.zeros(2, height, width), torch.ones(height, width))
    assert torch.equal(move_noise(noise, path, fresh), noise)


def test_noise_follows_a_pan_as_the_picture_does() -> None:
    noise, fresh = numbered(10, 12)
    flow = torch.tensor([3.0, -2.0]).view(2, 1, 1).expand(2, 10, 12)
    moved = move_noise(noise, Link(flow, torch.ones(10, 12)), fresh)
    assert torch.equal(moved[:, 2:, :-3], noise[:, :-2, 3:])
    assert torch.equal(moved[:, :2], fresh[:, :2])
    assert torch.equal(moved[..., -3:], fresh[..., -3:])


@pytest.mark.parametrize("camera", MOTIONS)
def test_moved_noise_is_white(camera: str) -> None:
    scene = Scene(128, 160, (turned(1, 0), MOTIONS[camera]))
    path = link(scene.between(0, 1), raster(128, 160), PLAIN)
    shape = (3, 128, 160)
    moved = move_noise(base_noise(0, 1, 0, shape), path, base_noise(0, 0, 0, shape))
    bound = 4 * moved.numel() ** -0.5
    assert abs(float(moved.mean())) < bound
    assert abs(float(moved.var()) - 1) < bound * 2**0.5
    for neighbours in (
        moved[..., 1:] * moved[..., :-1],
        moved[..., 1:, :] * moved[..., :-1, :],
        moved[..., 1:, 1:] * moved[..., :-1, :-1],
        moved[1:] * moved[:-1],
    ):
        assert abs(float(neighbours.mean())) < 4 * neighbours.numel() ** -0.5


def start_noise(
    frames: range, policy: Noise, *, seed: int = 1, chunk: int = 4, carry: CarriedState | None = None
) -> dict[int, Tensor]:
    """The noise that each frame of a chunk starts from."""
    condition = Latents(torch.zeros(len(frames), *SHAPE), (12.0, 16.0))
    options = replace(PLAIN, noise=policy, chunk=chunk, warp=False, merge=False)
    x, _ = denoise_chunk(Oracle.echo(), condition, chunk_of(frames), 0, None, carry, options, seed, device=CPU)
    return dict(zip(frames, x, strict=True))


@pytest.mark.parametrize("policy", ["independent", "shared"])
def test_a_frame_starts_from_the_same_noise_in_any_cut_of_a_clip(policy: Noise) -> None:
    one, other = start_noise(range(8, 12), policy), start_noise(range(9, 15), policy)
    for frame in one.keys() & other.keys():
        assert torch.equal(one[frame], other[frame])


def test_independent_noise_differs_between_frames_and_shared_noise_does_not() -> None:
    independent, shared = start_noise(range(4), "independent"), start_noise(range(4), "shared")
    assert not torch.equal(independent[0], independent[1])
    assert all(torch.equal(shared[0], shared[k]) for k in shared)


def test_chunk_noise_differs_within_a_chunk_and_repeats_between_chunks() -> None:
    first, second = start_noise(range(4), "chunk"), start_noise(range(4, 8), "chunk")
    assert not torch.equal(first[0], first[1])
    assert all(torch.equal(first[k], second[k + 4]) for k in first)
    trimmed = start_noise(range(6, 8), "chunk")
    assert torch.equal(trimmed[6], second[6])


def test_other_seeds_give_other_noise() -> None:
    assert not torch.equal(start_noise(range(1), "shared")[0], start_noise(range(1), "shared", seed=2)[0])


@pytest.mark.parametrize("tied", [True, False], ids=["consistent", "per frame"])
@pytest.mark.parametrize("strength", [1.0, 0.0])
def test_flow_noise_moves_with_the_picture_within_and_between_chunks(tied: bool, strength: float) -> None:
    """A pan of two cells a frame; whether and how strongly latents are warped does not matter."""
    scene = Scene(12, 16, tuple(turned(1, 0, 2.0 * k) for k in range(8)))
    options = replace(PLAIN, noise="flow", chunk=4, merge=False, consistency=tied, warp_strength=strength)
    condition = Latents(torch.zeros(4, *SHAPE), (12.0, 16.0))
    carry: CarriedState | None = None
    x: dict[int, Tensor] = {}
    for frames in (range(4), range(4, 8)):
        motion = motion_of(scene, frames, 2, None if carry is None else carry.key_frame)
        latent, carry = denoise_chunk(
            Oracle.echo(), condition, chunk_of(frames), 2, motion, carry, options, 1, device=CPU
        )
        x.update(zip(frames, latent, strict=True))
    # Columns 12 to 19 of the scene are what both keyframes, 2 and 6, see; latents are rounded when they are carried.
    for frame in range(2, 7):
        torch.testing.assert_close(x[frame][..., 12 - 2 * frame : 20 - 2 * frame], x[2][..., 8:16], atol=2e-3, rtol=0)


def test_stochastic_steps_draw_their_own_noise_that_moves_too() -> None:
    scene = Scene(12, 16, tuple(turned(1, 0, 2.0 * k) for k in range(4)))
    options = replace(PLAIN, noise="flow", chunk=4, merge=False, warp=False)
    condition = Latents(torch.zeros(4, *SHAPE), (12.0, 16.0))
    model = Oracle.echo(3, stochastic=True)
    frames = range(4)
    x, carry = denoise_chunk(
        model, condition, chunk_of(frames), 2, motion_of(scene, frames, 2), None, options, 1, device=CPU
    )
    assert carry is not None
    assert sorted(carry.noise) == [-1, 0, 1, 2]
    assert not torch.equal(carry.noise[0], carry.noise[1])
    torch.testing.assert_close(x[3][..., :-2], x[2][..., 2:])
