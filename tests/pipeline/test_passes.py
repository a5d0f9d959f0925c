"""A model that enlarges 4 times makes 8 and 16 times by seeing its own result again."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from answerprint.backends.sd_x4.info import INFO
from answerprint.flow.opencv import DisEstimator
from answerprint.flow.source import FlowSource
from answerprint.frames import Frame
from answerprint.pipeline.clip_state import ClipState
from answerprint.pipeline.restore_clip import ClipProgress, ClipSettings, RestoredChunk, restore_clip
from answerprint.temporal.chunks import Chunk
from answerprint.temporal.options import MethodOptions, per_frame
from answerprint.temporal.sampler import denoise_chunk
from backends.builders import CPU
from backends.builders_sd_x4 import small_sd_x4
from metrics.scenes import pan

CLIP = [Frame(k, picture, None) for k, picture in enumerate(pan(5, 9, 12))]
TIED = MethodOptions(chunk=2, warp_tolerance=0)


def run(
    method: MethodOptions,
    size: tuple[int, int] | None,
    resume: ClipState | None = None,
    seen: list[ClipProgress] | None = None,
) -> list[RestoredChunk]:
    backend = small_sd_x4()
    backend.configure(steps=2, sampler="ddim", options={})
    frames = CLIP if resume is None else CLIP[resume.frame :]
    report = None if seen is None else seen.append
    settings = ClipSettings(method, seed=3, size=size)
    chunks = restore_clip(frames, backend, FlowSource(DisEstimator()), settings, resume=resume, on_progress=report)
    return [replace(chunk, frames=tuple(chunk)) for chunk in chunks]


@pytest.mark.parametrize(
    ("wanted", "passes"), [((12, 9), 1), ((48, 36), 1), ((49, 36), 2), ((96, 72), 2), ((192, 144), 2)], ids=str
)
def test_runs_are_as_many_as_the_size_needs(wanted: tuple[int, int], passes: int) -> None:
    assert INFO.passes((12, 9), wanted) == passes
    assert replace(INFO, largest_scale=0).passes((12, 9), wanted) == 1


def test_sixteen_times_is_four_times_of_four_times() -> None:
    found = next(iter(run(per_frame(TIED), (192, 144))[0])).picture
    backend = small_sd_x4()
    backend.configure(steps=2, sampler="ddim", options={})
    shown: Tensor = torch.from_numpy(CLIP[0].picture).permute(2, 0, 1)[None]
    for _ in range(2):
        condition = backend.condition(shown)
        chunk: Chunk[object] = Chunk((0,), (None,), True)
        x0, _ = denoise_chunk(backend, condition, chunk, 0, None, None, per_frame(TIED), 3, device=CPU)
        shown = backend.decode(x0, condition)
    assert shown.shape == (1, 3, 144, 192)
    assert (torch.from_numpy(found) - shown[0].permute(1, 2, 0).clamp(0, 1)).abs().max() <= 1e-4


def test_eight_times_is_sixteen_times_made_smaller() -> None:
    """By the worker's own bicubic filter, which keeps the mean."""
    large, small = (next(iter(run(TIED, size)[0])).picture for size in ((192, 144), (96, 72)))
    assert small.shape == (72, 96, 3)
    assert abs(float(large.mean()) - float(small.mean())) <= 1e-3


def test_clip_of_two_runs_is_resumed_bit_for_bit() -> None:
    whole = run(TIED, (192, 144))
    assert [len(chunk.state.carries) for chunk in whole] == [2] * len(whole)
    again = run(TIED, (192, 144), whole[0].state)
    for one, other in zip(again, whole[1:], strict=True):
        for a, b in zip(one.frames, other.frames, strict=True):
            assert (a.picture == b.picture).all()


def test_steps_of_both_runs_are_told() -> None:
    seen: list[ClipProgress] = []
    run(TIED, (192, 144), seen=seen)
    assert [(p.step, p.steps) for p in seen[:4]] == [(1, 4), (2, 4), (3, 4), (4, 4)]
