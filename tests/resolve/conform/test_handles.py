"""Handles stay inside the file; a longer cut asks for what is missing and nothing else."""

from __future__ import annotations

import itertools
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerprint.errors import InputError
from answerprint.frames.frame import FrameRange
from answerprint.resolve.conform.facts import SourceRange
from answerprint.resolve.conform.handles import Handles, retrim, with_handles
from resolve.conform.situations import SITUATIONS, Situation


def seen(first: int, stop: int) -> SourceRange:
    return SourceRange(first, stop, Fraction(1))


def test_handles_are_added_on_both_sides() -> None:
    assert with_handles(seen(40, 60), 100) == Handles(FrameRange(16, 84), 24, 24)


@pytest.mark.parametrize(("first", "stop", "before", "after"), [(0, 100, 0, 0), (3, 97, 3, 3), (0, 10, 0, 24)])
def test_handles_end_where_the_file_ends(first: int, stop: int, before: int, after: int) -> None:
    found = with_handles(seen(first, stop), 100)
    assert (found.before, found.after) == (before, after)
    assert found.frames == FrameRange(first - before, stop + after)


def test_no_handles_can_be_asked_for_and_fewer_cannot() -> None:
    assert with_handles(seen(40, 60), 100, 0).frames == FrameRange(40, 60)
    with pytest.raises(InputError):
        with_handles(seen(40, 60), 100, -1)


@pytest.mark.parametrize("s", SITUATIONS, ids=lambda s: s.name)
def test_every_situation_keeps_its_frames_with_handles(s: Situation) -> None:
    first, stop = min(s.shown), max(s.shown) + 1
    found = with_handles(seen(first, stop), s.frames, s.handles)
    assert found.frames.start + found.before == first
    assert found.frames.stop - found.after == stop
    assert set(s.shown) <= set(range(found.frames.start, found.frames.stop))


@st.composite
def ranges(draw: st.DrawFn) -> FrameRange:
    start = draw(st.integers(0, 60))
    return FrameRange(start, start + draw(st.integers(0, 30)))


@given(ranges(), st.lists(ranges(), max_size=6))
def test_a_retrim_lacks_just_what_is_nowhere(asked: FrameRange, have: list[FrameRange]) -> None:
    missing = retrim(asked, have)
    frames = [frame for part in missing for frame in range(part.start, part.stop)]
    there = {frame for part in have for frame in range(part.start, part.stop)}
    assert frames == [frame for frame in range(asked.start, asked.stop) if frame not in there]
    assert all(len(part) for part in missing)
    assert all(one.stop < other.start for one, other in itertools.pairwise(missing)), "in one piece each"


def test_a_longer_tail_is_all_that_is_missing() -> None:
    assert retrim(FrameRange(10, 90), [FrameRange(0, 80)]) == [FrameRange(80, 90)]
    assert retrim(FrameRange(10, 80), [FrameRange(0, 90)]) == []
