"""Promises of denoising a chunk: what it depends on, what ties its frames, and what it carries on."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from answerprint.backends.tiny.adapter import TinyBackend
from answerprint.temporal.noise import base_noise
from answerprint.temporal.options import PAPER, MethodOptions, per_frame
from answerprint.temporal.options import Carry as WarpCarry
from answerprint.temporal.sampler import CARRIED, CarriedState, Tiles, denoise_chunk
from temporal.models import CPU, PLAIN, Latents, Oracle, bytes_held, chunk_of, motion_of, small_backend
from temporal.scenes import Scene, turned

LOW = (30, 44)
"""Size of a low-resolution frame: 15 x 22 latent cells, padded to 16 x 22."""
PAN = Scene(*LOW, tuple(turned(1, 0.5 * k, 1.0 * k, 0.5 * k) for k in range(12)), ((6, 9, 8, 8),) * 12)
STATIC = Scene(*LOW, (turned(1, 0),) * 12)
OPTIONS = PLAIN
FRAMES = range(4)
KEY = 2


def pictures(scene: Scene, frames: range = FRAMES, noise: float = 0.0) -> Tensor:
    """[F, 3, h, w] in [0, 1], with independent noise."""
    clean = torch.stack([scene.picture(k) for k in frames]) / 6 + 0.5
    own = torch.stack([base_noise(99, k, 0, clean.shape[1:]) for k in frames])
    return (clean + noise * own).clamp(0, 1)


def restore(
    backend: TinyBackend,
    options: MethodOptions,
    scene: Scene = PAN,
    frames: range = FRAMES,
    carry: CarriedState | None = None,
    *,
    noise: float = 0.0,
    tiles: Tiles | None = None,
    batch: int = 0,
) -> tuple[Tensor, CarriedState | None]:
    """One chunk."""
    motion = motion_of(scene, frames, KEY, None if carry is None else carry.key_frame)
    condition = backend.condition(pictures(scene, frames, noise))
    return denoise_chunk(
        backend, condition, chunk_of(frames), KEY, motion, carry, options, 7, device=CPU, tiles=tiles, batch=batch
    )


def carried(result: tuple[Tensor, CarriedState | None]) -> CarriedState:
    """The carry of a chunk that has one."""
    assert result[1] is not None
    return result[1]


@pytest.mark.parametrize(
    ("sampler", "tiles"), [("ddim", None), ("dpm++sde", None), ("ddpm", Tiles(14, 4, 2))], ids=["ddim", "sde", "tiled"]
)
def test_the_same_arguments_give_the_same_bytes(sampler: str, tiles: Tiles | None) -> None:
    results = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        backend = small_backend(sampler=sampler)
        first = restore(backend, OPTIONS, tiles=tiles)
        second = restore(backend, OPTIONS, PAN, range(4, 8), carried(first), tiles=tiles)
        results.append(torch.cat([first[0], second[0]]))
    assert bool(results[0].isfinite().all())
    assert torch.equal(*results)


@pytest.mark.parametrize("sampler", ["ddim", "ddpm"])
def test_per_frame_mode_is_the_model_run_alone_bit_for_bit(sampler: str) -> None:
    backend = small_backend(sampler=sampler)
    options = per_frame(OPTIONS)
    together, carry = restore(backend, options, batch=1)
    assert carry is None
    for k, picture in zip(FRAMES, pictures(PAN), strict=True):
        condition = backend.condition(picture[None])
        schedule = backend.schedule()
        shape = condition.latent_shape
        x = schedule.start(base_noise(7, k, -1, shape)[None])
        for i, t in enumerate(schedule.timesteps):
            x0 = schedule.x0(backend.predict(x, t, condition), x, i)
            last = i + 1 == len(schedule.timesteps)
            fresh = base_noise(7, k, i, shape)[None] if schedule.stochastic and not last else None
            x = schedule.step(x0, x, i, fresh)
        assert torch.equal(together[k], x[0])


def test_per_frame_results_do_not_depend_on_the_batch() -> None:
    backend = small_backend()
    whole, _ = restore(backend, per_frame(OPTIONS))
    for batch in (1, 3):
        torch.testing.assert_close(restore(backend, per_frame(OPTIONS), batch=batch)[0], whole, atol=1e-5, rtol=1e-5)


def test_per_frame_mode_asks_for_no_motion() -> None:
    backend = small_backend()
    condition = backend.condition(pictures(PAN))
    options = per_frame(OPTIONS)
    x, _ = denoise_chunk(backend, condition, chunk_of(FRAMES), KEY, None, None, options, 7, device=CPU)
    assert torch.equal(x, restore(backend, options)[0])


@pytest.mark.parametrize("options", [OPTIONS, replace(PAPER, chunk=4)], ids=["default", "paper"])
def test_the_models_own_attention_is_back_when_a_chunk_is_done(options: MethodOptions) -> None:
    backend = small_backend()
    before, _ = restore(backend, per_frame(OPTIONS))
    tied, _ = restore(backend, options)
    after, _ = restore(backend, per_frame(OPTIONS))
    assert torch.equal(before, after)
    assert not torch.allclose(tied, before, atol=1e-3)


def answers(frames: range) -> Latents:
    """What an oracle sees: the picture of a panning scene, off by an error of each frame's own."""
    error = torch.tensor([0.1 * (k + 1) for k in frames]).view(-1, 1, 1, 1)
    return Latents(torch.stack([PAN.picture(k) for k in frames]) + error, (float(LOW[0]), float(LOW[1])))


def ask(frames: range, carry: CarriedState | None, options: MethodOptions) -> tuple[Tensor, CarriedState]:
    """An oracle's chunk: its result is the last step's clean latent."""
    model = Oracle(steps=2)
    motion = motion_of(PAN, frames, KEY, None if carry is None else carry.key_frame)
    result = denoise_chunk(model, answers(frames), chunk_of(frames), KEY, motion, carry, options, 7, device=CPU)
    return result[0], carried(result)


def test_a_chunks_early_latents_follow_the_previous_keyframe() -> None:
    """Each frame has an error of its own; warped ones have the first keyframe's."""
    options = replace(OPTIONS, merge=False, warp_stage=(0.0, 1.0))
    _, first = ask(range(4), None, options)
    x, second = ask(range(4, 8), first, options)
    seen = motion_of(PAN, range(4, 8), KEY, first.key_frame).to_previous
    assert seen is not None
    error = (x[KEY] - PAN.picture(6))[:, seen.valid == 1]
    assert float((error - 0.3).square().mean().sqrt()) < 0.05  # frame 2's
    own = (x[KEY] - PAN.picture(6))[:, seen.valid == 0]
    torch.testing.assert_close(own, torch.full_like(own, 0.7))  # frame 6's
    assert sorted(second.x0) == [0, 1]
    assert torch.equal(second.x0[1], x[KEY].to(CARRIED))


def test_only_steps_of_the_stage_are_warped_and_carried() -> None:
    x, carry = ask(range(4), None, replace(OPTIONS, merge=False, warp_stage=(0.0, 0.5)))
    assert sorted(carry.x0) == [0]
    assert torch.equal(x, answers(range(4)).latent)


def test_a_shot_that_opens_without_a_carry_has_no_memory_of_the_last() -> None:
    alone, _ = ask(range(4, 8), None, replace(OPTIONS, merge=False))
    _, first = ask(range(4), None, OPTIONS)
    blind = replace(first, x0={}, noise={})
    again, _ = ask(range(4, 8), blind, replace(OPTIONS, merge=False))
    assert torch.equal(alone, again)


@pytest.mark.parametrize("carry_which", ["before", "after"])
@pytest.mark.parametrize("sampler", ["ddim", "ddpm"])
def test_what_is_carried_does_not_grow_with_the_clip(carry_which: WarpCarry, sampler: str) -> None:
    backend = small_backend(sampler=sampler)
    options = replace(OPTIONS, warp_carry=carry_which)
    carry: CarriedState | None = None
    sizes = []
    for first in (0, 4, 8):
        _, carry = restore(backend, options, PAN, range(first, first + 4), carry)
        assert carry is not None
        sizes.append(bytes_held(carry))
        frame = backend.spread(torch.zeros(1, *backend.condition(pictures(PAN)).latent_shape))
        latents, noises = len(carry.x0) * frame.to(CARRIED).nbytes, len(carry.noise) * frame.nbytes
        assert bytes_held(carry) == latents + noises
    assert len(set(sizes)) == 1


@pytest.mark.parametrize("merge_ratio", [1.0, None])
@pytest.mark.parametrize("sampler", ["ddim", "ddpm"])
def test_a_static_scene_stays_static(merge_ratio: float | None, sampler: str) -> None:
    """Same conditions, no motion, noise that follows it: frames are equal, and so are those of the next chunk."""
    ratio = merge_ratio or 0.0
    options = replace(OPTIONS, merge=merge_ratio is not None, merge_ratio=ratio, merge_ratio_end=ratio)
    backend = small_backend(sampler=sampler)
    first = restore(backend, options, STATIC)
    second = restore(backend, options, STATIC, range(4, 8), carried(first))
    for x in (first[0], second[0]):
        torch.testing.assert_close(x, x[KEY].expand_as(x), atol=1e-5, rtol=1e-5)
    # What is handed on is rounded: in the picture that is less than a tenth of a code of 10 bits.
    torch.testing.assert_close(first[0][KEY], second[0][KEY], atol=3e-3, rtol=0)


def test_a_static_scene_nearly_stays_static_while_the_ratio_falls() -> None:
    """Frames of which a part is merged attend to the keyframe's other part and their own: twice the weight."""
    backend = small_backend()
    x, _ = restore(backend, OPTIONS, STATIC)
    alone, _ = restore(backend, per_frame(OPTIONS), STATIC)
    assert float((x - x[KEY]).square().mean()) < 0.02 * float((alone - alone[KEY]).square().mean())


def test_warping_makes_one_of_frames_that_differ_by_noise() -> None:
    """A static scene whose conditions are noisy: only the steps of the stage are tied, so it covers all of them."""
    backend = small_backend()
    tied = replace(OPTIONS, merge=False, warp_stage=(0.0, 1.0), warp_global=True)

    def spread_between(options: MethodOptions) -> float:
        x, _ = restore(backend, options, STATIC, noise=0.1)
        pictures_out = backend.decode(x, backend.condition(pictures(STATIC, noise=0.1)))
        return float((pictures_out - pictures_out[KEY]).square().mean())

    alone, shared = spread_between(per_frame(OPTIONS)), spread_between(per_frame(OPTIONS, "shared"))
    assert spread_between(tied) < 1e-10
    assert spread_between(replace(tied, warp_strength=0.5)) < shared < alone


def test_a_tiled_chunk_shows_no_seams() -> None:
    """Jumps across the borders of windows are like those elsewhere."""
    backend = small_backend()
    options = replace(OPTIONS, noise="flow")
    tiles = Tiles(14, 6, 2)
    whole, _ = restore(backend, options)
    tiled, _ = restore(backend, options, tiles=tiles)
    change = backend.spread(tiled - whole).float()
    jumps = (change[..., 1:] - change[..., :-1]).square().mean((0, 1, 2))
    borders = torch.tensor([8 * 8 - 1, 14 * 8 - 1])  # left of the second window, right of the first, in pixels
    inside = (torch.arange(len(jumps)) + 1) % 8 == 0  # other borders of latent cells
    inside[borders] = False
    assert float(jumps[borders].max()) < 1.5 * float(jumps[inside].max())


def test_progress_counts_every_step() -> None:
    backend = small_backend()
    told: list[tuple[int, int]] = []
    condition = backend.condition(pictures(PAN))
    options = per_frame(OPTIONS)

    def on_step(done: int, of: int) -> None:
        told.append((done, of))

    denoise_chunk(backend, condition, chunk_of(FRAMES), KEY, None, None, options, 7, device=CPU, on_step=on_step)
    assert told == [(i + 1, 4) for i in range(4)]
