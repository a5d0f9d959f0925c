"""Promises of cutting a clip into chunks and choosing keyframes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from answerprint.temporal.chunks import SHORT_TAIL, Chunk, choose_key, group
from answerprint.temporal.protocols import Correspondence

SIZE = st.integers(1, 12)
CUTS = st.sets(st.integers(1, 80), max_size=6)


def stream(first: int, last: int, cuts: set[int]) -> Iterator[tuple[int, bool, str]]:
    """Frames first..last-1 with shots opening at `cuts`."""
    for index in range(first, last):
        yield index, index in cuts, f"item {index}"


def chunks(first: int, last: int, cuts: set[int], size: int) -> list[Chunk[str]]:
    return list(group(stream(first, last, cuts), size))


@settings(deadline=None)
@given(st.integers(0, 40), st.integers(1, 60), CUTS, SIZE)
def test_every_frame_is_in_one_chunk_with_its_item(first: int, length: int, cuts: set[int], size: int) -> None:
    found = chunks(first, first + length, cuts, size)
    frames = [frame for chunk in found for frame in chunk.frames]
    assert frames == list(range(first, first + length))
    assert [item for chunk in found for item in chunk.items] == [f"item {frame}" for frame in frames]


@settings(deadline=None)
@given(st.integers(0, 40), st.integers(1, 60), CUTS, SIZE)
def test_chunks_end_at_cuts_and_on_the_grid_of_absolute_frames(
    first: int, length: int, cuts: set[int], size: int
) -> None:
    found = chunks(first, first + length, cuts, size)
    for before, chunk in zip([None, *found], found, strict=False):
        begins = chunk.frames[0]
        opens = before is None or begins in cuts
        assert chunk.opens_shot == opens
        assert opens or begins % size == 0
        assert not any(frame in cuts for frame in chunk.frames[1:])


@settings(deadline=None)
@given(st.integers(0, 40), st.integers(1, 60), CUTS, SIZE)
def test_only_a_short_tail_makes_a_chunk_longer(first: int, length: int, cuts: set[int], size: int) -> None:
    found = chunks(first, first + length, cuts, size)
    for chunk, after in zip(found, [*found[1:], None], strict=True):
        tail = len([frame for frame in chunk.frames if frame // size != chunk.frames[0] // size])
        ends_shot = after is None or after.opens_shot
        assert tail <= min(SHORT_TAIL, size - 1)
        assert ends_shot or tail == 0
        if not chunk.opens_shot and size > SHORT_TAIL:
            assert len(chunk.frames) > SHORT_TAIL


@settings(deadline=None)
@given(st.integers(0, 20), st.integers(0, 20), st.integers(40, 80), st.integers(40, 80), CUTS, st.integers(1, 8))
def test_a_clip_trimmed_elsewhere_keeps_its_borders(
    a: int, b: int, end_a: int, end_b: int, cuts: set[int], size: int
) -> None:
    """Chunks are the same except those that the trims themselves touch."""
    start, end = max(a, b), min(end_a, end_b)

    def inside(chunk: Chunk[str]) -> bool:
        return chunk.frames[0] >= start + size and chunk.frames[-1] < end - size - SHORT_TAIL

    found = [[c.frames for c in chunks(x, y, cuts, size) if inside(c)] for x, y in ((a, end_a), (b, end_b))]
    assert found[0] == found[1]


@settings(deadline=None)
@given(st.integers(0, 10), st.integers(1, 60), CUTS, SIZE)
def test_no_more_is_drawn_than_tells_a_short_tail(first: int, length: int, cuts: set[int], size: int) -> None:
    drawn, given_out = 0, 0

    def counted() -> Iterator[tuple[int, bool, str]]:
        nonlocal drawn
        for frame in stream(first, first + length, cuts):
            drawn += 1
            assert drawn - given_out <= size + SHORT_TAIL + 1
            yield frame

    for chunk in group(counted(), size):
        given_out += len(chunk.frames)


def test_frames_that_do_not_follow_one_another_are_refused() -> None:
    with pytest.raises(ValueError, match="does not follow"):
        list(group([(0, False, ""), (2, False, "")], 4))


@settings(deadline=None)
@given(st.integers(0, 60), SIZE)
def test_positions_count_from_the_grid_cell_of_the_first_frame(first: int, size: int) -> None:
    """So the noise of policy `chunk` is that of an untrimmed clip's chunk."""
    trimmed = Chunk(tuple(range(first, first + size)), ("",) * size, True)
    assert trimmed.position(first, size) == first % size
    assert trimmed.position(first + 1, size) == first % size + 1


class Likeness:
    """Motion source that knows only how alike frames are."""

    def __init__(self, values: Sequence[float]) -> None:
        self.values = values

    def flow(self, source: int, target: int) -> Tensor:
        raise AssertionError("choosing a key asks for no flow")

    def between(self, source: int, target: int) -> Correspondence:
        raise AssertionError("choosing a key asks for no flow")

    def likeness(self, frames: Sequence[int]) -> Sequence[float]:
        return self.values


@settings(deadline=None)
@given(st.integers(0, 200), st.integers(1, 20))
def test_middle_is_the_frame_after_half(first: int, count: int) -> None:
    assert choose_key(range(first, first + count), "middle", 0) == count // 2


@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 20), st.integers(0, 2**40))
def test_a_random_key_depends_on_seed_and_chunk_alone(first: int, count: int, seed: int) -> None:
    frames = range(first, first + count)
    key = choose_key(frames, "random", seed)
    assert 0 <= key < count
    assert key == choose_key(frames, "random", seed)


def test_random_keys_reach_every_place() -> None:
    keys = [choose_key(range(8 * c, 8 * c + 8), "random", 1) for c in range(400)]
    assert min(keys.count(k) for k in range(8)) > 25


def test_connected_takes_the_likest_frame_and_the_most_central_of_equals() -> None:
    assert choose_key(range(5), "connected", 0, Likeness([0, 9, 1, 3, 2])) == 1
    assert choose_key(range(5), "connected", 0, Likeness([7, 1, 1, 7, 1])) == 3
    assert choose_key(range(5), "connected", 0, Likeness([7, 7, 1, 7, 7])) == 1
    assert choose_key(range(5), "connected", 0, Likeness([1] * 5)) == 2


def test_connected_without_a_motion_source_is_refused() -> None:
    with pytest.raises(ValueError, match="motion source"):
        choose_key(range(5), "connected", 0)
