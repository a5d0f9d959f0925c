"""A clip that is resumed after any chunk gives the bits of one that was never interrupted."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from answerprint.backends.base import Backend
from answerprint.backends.load import load
from answerprint.flow.cuts import CutDetector
from answerprint.flow.opencv import DisEstimator
from answerprint.flow.prepare import FlowPicture, flow_picture, prepare
from answerprint.flow.source import FlowSource
from answerprint.frames import Frame
from answerprint.pipeline.clip_state import ClipState, pack_state, read_state
from answerprint.pipeline.restore_clip import ClipSettings, RestoredChunk, restore_clip
from answerprint.store.receipts import DamagedChunkError
from answerprint.temporal.options import MethodOptions, per_frame
from answerprint.temporal.sampler import CARRIED, CarriedState, Tiles
from temporal.models import small_backend
from worker.clips import frames_of, same_frames

TIED = MethodOptions(chunk=4)

WAYS = {
    "default": TIED,
    "moving noise": replace(TIED, noise="flow"),
    "moving noise alone": per_frame(TIED, "flow"),
    "noise by chunk": replace(TIED, noise="chunk", keyframe="random"),
    "connected key": replace(TIED, keyframe="connected", warp_carry="before"),
    "warped only": replace(TIED, merge=False, warp_stage=(0.0, 0.5)),
    "merged only": replace(TIED, warp=False),
    "per frame": per_frame(TIED),
    "per frame, noise by chunk": per_frame(TIED, "chunk"),
    "chunks of one": replace(TIED, chunk=1),
    "chunks of three": replace(TIED, chunk=3),
}

CUTS = {"no cut": (), "cut at a border": (8,), "cut before a border": (7,), "cut in a tail": (9,), "two cuts": (8, 9)}


@cache
def backend(sampler: str) -> Backend:
    return small_backend(steps=2, sampler=sampler)


def run(
    method: MethodOptions,
    first: int,
    stop: int,
    cuts: Collection[int],
    resume: ClipState | None = None,
    *,
    sampler: str = "ddim",
    tiles: Tiles | None = None,
) -> list[RestoredChunk]:
    return list(begin(method, first, stop, cuts, resume, sampler=sampler, tiles=tiles))


def begin(
    method: MethodOptions,
    first: int,
    stop: int,
    cuts: Collection[int],
    resume: ClipState | None = None,
    *,
    sampler: str = "ddim",
    tiles: Tiles | None = None,
) -> Iterator[RestoredChunk]:
    """The chunks, each made when it is asked for."""
    frames = frames_of(first if resume is None else resume.frame, stop, cuts)
    asked = ClipSettings(method, seed=3, tiles=tiles, batch=2)
    return restore_clip(frames, backend(sampler), FlowSource(DisEstimator()), asked, resume=resume)


def stored(state: ClipState, folder: Path) -> ClipState:
    """What a process that takes over finds."""
    path = folder / "chunk.carry"
    path.write_bytes(pack_state(state))
    return read_state(path)


def assert_same(found: list[RestoredChunk], expected: list[RestoredChunk]) -> None:
    assert [(c.number, c.opens_shot, len(c)) for c in found] == [(c.number, c.opens_shot, len(c)) for c in expected]
    for one, other in zip(found, expected, strict=True):
        assert same_frames(one.frames, other.frames)
        assert pack_state(one.state) == pack_state(other.state)


def test_the_detector_finds_exactly_the_cuts_of_these_clips() -> None:
    pictures = [prepare(frame.picture) for frame in frames_of(0, 16, (5, 9))]
    cuts = [k for k in range(1, 16) if CutDetector().is_cut(pictures[k - 1], pictures[k])]
    assert cuts == [5, 9]


def assert_can_be_interrupted_everywhere(way: str, first: int, stop: int, cuts: Collection[int], at: Path) -> None:
    """One run from end to end, and one whose process is another for every chunk."""
    whole = run(WAYS[way], first, stop, cuts)
    state: ClipState | None = None
    for expected in whole:
        found = next(begin(WAYS[way], first, stop, cuts, state))
        assert_same([found], [expected])
        state = stored(found.state, at)
    assert run(WAYS[way], first, stop, cuts, state) == []


@pytest.mark.parametrize("way", WAYS)
def test_a_clip_goes_on_after_every_chunk_as_if_nothing_had_happened(way: str, tmp_path: Path) -> None:
    assert_can_be_interrupted_everywhere(way, 2, 11, (9,), tmp_path)


@pytest.mark.parametrize("where", CUTS)
def test_cuts_and_short_tails_at_the_border_are_found_again(where: str, tmp_path: Path) -> None:
    assert_can_be_interrupted_everywhere("default", 2, 13, CUTS[where], tmp_path)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    way=st.sampled_from(sorted(WAYS)),
    first=st.integers(0, 9),
    length=st.integers(1, 10),
    cuts=st.sets(st.integers(1, 22), max_size=4),
    at=st.integers(0, 20),
    sampler=st.sampled_from(["ddim", "ddpm"]),
    tiled=st.booleans(),
)
def test_any_range_with_any_cuts_can_be_resumed(
    way: str, first: int, length: int, cuts: set[int], at: int, sampler: str, tiled: bool, tmp_path: Path
) -> None:
    tiles = Tiles(8, overlap=2, multiple=2) if tiled else None
    whole = run(WAYS[way], first, first + length, cuts, sampler=sampler, tiles=tiles)
    done = at % len(whole)
    state = stored(whole[done].state, tmp_path)
    rest = run(WAYS[way], first, first + length, cuts, state, sampler=sampler, tiles=tiles)
    assert_same(rest, whole[done + 1 :])


def test_the_shipped_model_can_be_resumed_across_a_cut(tmp_path: Path) -> None:
    model = load("tiny-x4", torch.device("cpu"))
    model.configure(steps=2, sampler="ddim", options={})

    def restored(frames: list[Frame], resume: ClipState | None = None) -> list[RestoredChunk]:
        return list(restore_clip(frames, model, FlowSource(DisEstimator()), ClipSettings(TIED), resume=resume))

    whole = [replace(chunk, frames=tuple(chunk)) for chunk in restored(frames_of(1, 12, (8,)))]
    assert [chunk.opens_shot for chunk in whole] == [True, False, True]
    for done in (1, 2):
        state = stored(whole[done - 1].state, tmp_path)
        assert_same(restored(frames_of(state.frame, 12, (8,)), state), whole[done:])


def test_iterating_a_chunk_gives_its_frames_and_numbers_go_on(tmp_path: Path) -> None:
    whole = run(TIED, 0, 10, ())
    assert [frame.index for chunk in whole for frame in chunk] == list(range(10))
    assert [chunk.state.frame for chunk in whole] == [4, 10]
    assert [chunk.number for chunk in run(TIED, 0, 10, (), stored(whole[0].state, tmp_path))] == [1]


def picture(seed: int) -> FlowPicture:
    return flow_picture(np.random.default_rng(seed).integers(0, 256, (9, 13), np.uint8))


STATE = ClipState(
    7,
    61,
    picture(1),
    (57, picture(2)),
    (
        CarriedState(
            57, {0: torch.ones(3, 4, 5, dtype=CARRIED), 10: torch.zeros(3, 4, 5, dtype=CARRIED)}, {-1: torch.ones(2)}
        ),
        CarriedState(57, {0: torch.ones(3, 16, 20, dtype=CARRIED)}, {}),
    ),
)


@pytest.mark.parametrize("state", [STATE, replace(STATE, carries=()), replace(STATE, key=None, carries=())])
def test_a_state_comes_back_from_its_file_as_it_was(state: ClipState, tmp_path: Path) -> None:
    again = stored(state, tmp_path)
    assert pack_state(again) == pack_state(state)
    assert (again.chunk, again.frame, again.last.content_hash) == (7, 61, state.last.content_hash)
    assert np.array_equal(again.last.luma, state.last.luma)
    assert len(again.carries) == len(state.carries)
    if again.carries:
        assert [list(carry.x0) for carry in again.carries] == [[0, 10], [0]]
        assert again.carries[0].x0[0].dtype == CARRIED


@pytest.mark.parametrize("harm", ["absent", "empty", "cut", "other", "picture"])
def test_a_damaged_state_is_found_and_never_used(harm: str, tmp_path: Path) -> None:
    path, data = tmp_path / "x.carry", pack_state(STATE)
    if harm == "picture":
        at = data.index(STATE.last.luma.tobytes())
        data = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
    harmed = {"empty": b"", "cut": data[: len(data) // 2], "other": b'{"a": 1}', "picture": data}
    if harm in harmed:
        path.write_bytes(harmed[harm])
    with pytest.raises(DamagedChunkError):
        read_state(path)
    path.write_bytes(pack_state(STATE))
    assert read_state(path).chunk == STATE.chunk
