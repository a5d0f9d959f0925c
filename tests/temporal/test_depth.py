"""Depth of a shot has one scale and one shift, whatever scale and shift each frame was found with."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from answerprint.temporal.depth import HEADROOM, Affine, DepthAnchor, contain, fit, share_chunk
from answerprint.temporal.protocols import Correspondence

HEIGHT, WIDTH = 24, 40


def scene(frame: int, noise: float = 0.0) -> Tensor:
    """True depth [H, W] in 0.2..0.8 of frame `frame` of a pan of one cell a frame."""
    y = torch.linspace(0, 3, HEIGHT)[:, None]
    x = (torch.arange(WIDTH) + frame)[None, :] / 6
    depth = 0.5 + 0.15 * torch.sin(x) + 0.15 * torch.cos(y + 0.5 * x)
    return depth + noise * torch.randn(depth.shape, generator=torch.Generator().manual_seed(frame))


def pan(source: int, target: int) -> Correspondence:
    """Along the pan, on frame `source`'s grid."""
    flow = torch.zeros(2, HEIGHT, WIDTH)
    flow[0] = source - target
    column = torch.arange(WIDTH) + source - target
    valid = ((column >= 0) & (column < WIDTH)).float().expand(HEIGHT, WIDTH)
    return Correspondence(flow, valid, valid)


def affine_of(frame: int) -> Affine:
    """What the model made of a frame: it jumps."""
    generator = torch.Generator().manual_seed(1000 + frame)
    scale, shift = torch.rand(2, generator=generator).tolist()
    return Affine(0.6 + 0.5 * scale, -0.05 + 0.1 * shift)


def share_clip(chunks: int, length: int = 4, noise: float = 0.0) -> Tensor:
    """A clip's shared depth [F, H, W], chunk after chunk, of frames whose scale and shift jump."""
    anchor: DepthAnchor | None = None
    before: int | None = None
    out = []
    for c in range(chunks):
        frames = range(c * length, (c + 1) * length)
        key = length // 2
        depth = torch.stack([affine_of(f)(scene(f, noise)) for f in frames])
        to_key = [None if k == key else pan(f, frames[key]) for k, f in enumerate(frames)]
        to_previous = None if before is None else pan(frames[key], before)
        shared, anchor = share_chunk(depth, key, to_key, to_previous, anchor)
        before = frames[key]
        out.append(shared)
    return torch.cat(out)


def unsteadiness(depth: Tensor) -> float:
    """Largest difference, over all frames, of depth from the scene brought to the first keyframe's scale."""
    scale = affine_of(2)
    truth = torch.stack([scale(scene(f)) for f in range(len(depth))])
    return float((depth - truth).abs().max())


def test_jumps_of_scale_and_shift_are_undone_over_all_chunks() -> None:
    jumping = torch.stack([affine_of(f)(scene(f)) for f in range(48)])
    assert unsteadiness(jumping) > 0.2
    assert unsteadiness(share_clip(12)) < 1e-4


def test_depth_of_a_long_shot_does_not_fade() -> None:
    """Noise would cost least squares of one depth on the other 4 % of the contrast at every one of 60 chunks."""
    shared, truth = share_clip(60, noise=0.02)[-2], affine_of(2)(scene(238))
    spread, true_spread = shared - shared.mean(), truth - truth.mean()
    slope = (spread * true_spread).sum() / true_spread.square().sum()
    assert 0.9 < slope < 1.1


def test_what_moves_by_itself_does_not_count() -> None:
    motion = pan(1, 0)
    depth, target = scene(1), Affine(1.3, -0.1)(scene(0))
    depth[:10, 5:20] = 0.9
    found = fit(depth, target, motion)
    assert found is not None
    assert abs(found.scale - 1.3) < 0.02 and abs(found.shift + 0.1) < 0.01


def test_clipped_depth_does_not_count() -> None:
    depth, target = scene(1).clone(), Affine(0.7, 0.1)(scene(0))
    depth[:8] = 1.0
    found = fit(depth, target, pan(1, 0))
    assert found is not None and abs(found.scale - 0.7) < 1e-4


@pytest.mark.parametrize(
    ("depth", "target", "motion"),
    [
        (scene(0), scene(100), pan(0, 100)),
        (torch.full((HEIGHT, WIDTH), 0.5), scene(0), pan(0, 0)),
        (scene(0), torch.full((HEIGHT, WIDTH), 0.5), pan(0, 0)),
        (scene(0), 1 - scene(0), pan(0, 0)),
    ],
    ids=["nothing in common", "flat", "flat target", "opposite"],
)
def test_nothing_is_said_where_nothing_is_known(depth: Tensor, target: Tensor, motion: Correspondence) -> None:
    assert fit(depth, target, motion) is None


def test_a_keyframe_without_anything_in_common_keeps_the_last_scale() -> None:
    anchor = DepthAnchor(scene(0), Affine(0.5, 0.25))
    depth = torch.stack([scene(200)])
    shared, after = share_chunk(depth, 0, [None], pan(200, 0), anchor)
    assert torch.equal(shared, Affine(0.5, 0.25)(depth)) and after.affine == anchor.affine


def test_chunks_of_one_frame_share_a_scale_too() -> None:
    first, anchor = share_chunk(torch.stack([scene(0)]), 0, [None], None, None)
    jumped = torch.stack([Affine(0.5, 0.2)(scene(1))])
    second, _ = share_chunk(jumped, 0, [None], pan(1, 0), anchor)
    assert torch.equal(first[0], scene(0))
    assert (second[0] - scene(1)).abs().mean() < 0.02


def test_the_first_keyframe_keeps_its_own_scale() -> None:
    shared = share_clip(1)
    assert torch.equal(shared[2], affine_of(2)(scene(2)))


@settings(deadline=None)
@given(st.lists(st.floats(-50, 50, width=32), min_size=2, max_size=20))
def test_containing_clips_nothing_and_keeps_order(values: list[float]) -> None:
    depth = torch.tensor(sorted(values), dtype=torch.float64)
    contained = contain(depth)
    assert bool((contained > 0).all()) and bool((contained < 1).all())
    assert bool((contained.diff() >= 0).all())
    apart = depth.diff() > 1e-3
    assert bool((contained.diff()[apart] > 0).all())


def test_containing_is_linear_within_and_without_a_bend_at_the_ends() -> None:
    inside = torch.linspace(0, 1, 11, dtype=torch.float64)
    assert torch.allclose(contain(inside), HEADROOM + (1 - 2 * HEADROOM) * inside)
    step = 1e-6
    for end in (0.0, 1.0):
        around = contain(torch.tensor([end - step, end, end + step], dtype=torch.float64)).diff() / step
        assert torch.allclose(around, torch.full_like(around, 1 - 2 * HEADROOM), atol=1e-4)
