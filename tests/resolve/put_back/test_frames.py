"""The arithmetic of the frames that an item shows, and the form in which a job carries its place."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerprint.errors import InputError
from answerprint.resolve.conform.frame_map import FrameMap, exact, ranges_text, whole_start
from answerprint.resolve.put_back.placement import Placement

RATES = st.sampled_from([Fraction(each) for each in (24, 25, 30, 48, 50, 60)]).flatmap(
    lambda rate: st.sampled_from([rate, rate * Fraction(1000, 1001)])
)
SPEEDS = st.sampled_from([Fraction(1), Fraction(2), Fraction(1, 2), Fraction(-1), Fraction(1, 3), Fraction(0)])


@given(RATES, RATES, SPEEDS, st.fractions(100, 200, max_denominator=1001), st.integers(1, 60))
def test_the_frames_of_an_item_are_those_that_it_shows(
    rate: Fraction, timeline: Fraction, speed: Fraction, start: Fraction, duration: int
) -> None:
    shown = FrameMap(0, duration, start, rate / timeline * speed)
    seen = [shown.frame(k) for k in range(duration)]
    assert (min(seen), max(seen)) == (shown.frames.start, shown.frames.stop - 1)
    assert shown.missing(shown.frames) == []
    for have in (range(shown.frames.start + 1, 10**6), range(0, shown.frames.stop - 1)):
        missing = {frame for part in shown.missing(have) for frame in part}
        assert missing == {frame for frame in shown.frames if frame not in have}


@given(RATES, RATES, st.integers(0, 5000), st.integers(0, 5000))
def test_a_file_that_begins_on_a_frame_of_the_timeline_can_be_placed_exactly(
    rate: Fraction, timeline: Fraction, first: int, offset: int
) -> None:
    """Positions are counted in frames of the timeline: those of the source are positions of the restored file too."""
    begins = whole_start(first, rate, timeline)
    assert begins <= first
    position = offset * rate / timeline - begins  # of a frame of the timeline, in the restored file
    assert (position * timeline / rate).denominator == 1


@given(RATES, RATES, st.integers(0, 10**6))
def test_resolves_numbers_become_exact(rate: Fraction, timeline: Fraction, frames: int) -> None:
    position = frames * rate / timeline
    assert exact(float(position * timeline / rate)) == frames
    assert floor(exact(float(position)) + Fraction(1, 10_000)) == floor(position)


def test_an_item_that_begins_between_frames_is_not_mistaken_for_one_that_does_not() -> None:
    whole = FrameMap(0, 50, Fraction(10), Fraction(24, 25))
    assert whole.shows_as(replace(whole, start=Fraction(10) + Fraction(1, 10**6)))
    assert not whole.shows_as(replace(whole, start=Fraction(10) + Fraction(1, 2)))
    assert not whole.shows_as(replace(whole, record=1))
    assert not whole.shows_as(replace(whole, duration=51))
    # It shows the same at each record frame, and that is what counts.
    assert replace(whole, duration=3).shows_as(FrameMap(0, 3, Fraction(10), Fraction(1))) is False
    assert replace(whole, duration=1).shows_as(FrameMap(0, 1, Fraction(10), Fraction(1)))


def test_ranges_are_readable() -> None:
    assert ranges_text([range(3, 4), range(7, 10)]) == "3, 7 to 9"
    assert ranges_text([range(0, 2)], 15) == "15 to 16"


PLACE = Placement(
    "track", "p", "Film", "t", "Reel 1", "i", "c", "plate", 20, 40, 15, 45, Fraction(30000, 1001), 90000, 20, 1,
    Fraction(1, 3), Fraction(-1, 2), {"PAR": "Square"}, {"Scene": "1"}, Fraction(7, 3),
)  # fmt: skip


@pytest.mark.parametrize("place", [PLACE, replace(PLACE, left=None)])
def test_a_place_is_read_as_it_was_written(place: Placement) -> None:
    editor = place.to_editor()
    assert all(isinstance(each, str) for pair in editor.items() for each in pair)
    assert Placement.from_editor(editor) == place
    assert Placement.from_editor({}) is None


@pytest.mark.parametrize(("name", "value"), [("rate", "1/0"), ("left", "x"), ("record", ""), ("attributes", "{")])
def test_a_damaged_place_is_reported(name: str, value: str) -> None:
    with pytest.raises(InputError):
        Placement.from_editor({**PLACE.to_editor(), name: value})
    with pytest.raises(InputError, match="newer"):
        Placement.from_editor({**PLACE.to_editor(), "answerprint_place": "2"})
