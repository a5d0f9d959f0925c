"""Every frame that is seen is restored, and where it is said which record frame shows which, it is so."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from fractions import Fraction
from math import floor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from answerprint.resolve.conform.facts import ItemFacts, Refusal, SourceRange
from answerprint.resolve.conform.source_range import OtioReading, part_of, source_range
from resolve.conform.resolve_answers import AnswerVariant, clip_of, item_of, media_of, timeline_of
from resolve.conform.situations import ALL, SITUATIONS, Situation

BOTH = (False, True)
# Files counted from 0 and seconds that count from elsewhere are each undocumented: never both.
WAYS = ((True, True), (True, False), (False, True))
VARIANTS = [AnswerVariant(*each, *way) for each in itertools.product(BOTH, BOTH, BOTH) for way in WAYS]


def answer(s: Situation, item: ItemFacts, witness: OtioReading | None = None) -> SourceRange | Refusal:
    return source_range(item, clip_of(s), timeline_of(s), media_of(s), witness)


def check(s: Situation, found: SourceRange) -> None:
    """Raise AssertionError where it is wrong."""
    shown = s.shown
    assert 0 <= found.first < found.stop <= s.frames
    assert set(shown) <= set(range(found.first, found.stop)), found
    if found.exact:
        step = found.speed * s.ratio
        assert [floor(found.first + found.offset + k * step) for k in range(s.record)] == shown, found


def believed(s: Situation, found: SourceRange | Refusal) -> SourceRange:
    assert isinstance(found, SourceRange), found
    check(s, found)
    return found


def test_names_of_situations_are_unique_and_there_are_sixty() -> None:
    assert len(ALL) == len(SITUATIONS) >= 60


@pytest.mark.parametrize("s", SITUATIONS, ids=lambda s: s.name)
def test_every_situation_is_read_right_whatever_the_documentation_leaves_open(s: Situation) -> None:
    for variant in VARIANTS:
        found = answer(s, item_of(s, variant))
        if isinstance(found, Refusal):
            # Where files may be counted from 0, what the offset does not confirm has to be seen by the clock.
            assert s.pieces or not variant.touched or (s.number and not variant.numbered), (variant, found)
            continue
        check(s, found)


@pytest.mark.parametrize("s", [s for s in SITUATIONS if not s.pieces], ids=lambda s: s.name)
def test_a_constant_speed_is_known_exactly_from_21_1_on(s: Situation) -> None:
    assert believed(s, answer(s, item_of(s))).exact


@pytest.mark.parametrize("s", [s for s in SITUATIONS if s.speed == 1 and not s.pieces], ids=lambda s: s.name)
def test_normal_speed_is_known_exactly_before_21_1_too(s: Situation) -> None:
    assert believed(s, answer(s, item_of(s, AnswerVariant(low=True, speed=False)))).exact


@pytest.mark.parametrize("name", ["200 per cent", "50 per cent", "reversed", "24 in 25 at 200 per cent"])
def test_before_21_1_a_retime_may_be_a_ramp_and_is_not_exact(name: str) -> None:
    s = ALL[name]
    assert not believed(s, answer(s, item_of(s, AnswerVariant(speed=False)))).exact


def test_equal_rates_need_no_times() -> None:
    s = ALL["25 in 25"]
    assert believed(s, answer(s, replace(item_of(s), source_start_seconds=None, source_end_seconds=None))).exact


def test_a_slow_item_that_hardly_moves_is_no_freeze() -> None:
    s = replace(ALL["reversed"], speed=Fraction(-1, 100))
    assert not believed(s, answer(s, item_of(s, AnswerVariant(speed=False)))).exact


@pytest.mark.parametrize("wrong", [-2, -1, 1, 2])
def test_a_freeze_is_not_exact_without_two_that_agree(wrong: int) -> None:
    s = ALL["freeze"]
    for name in ("source_start", "source_end"):
        found = answer(s, misread(item_of(s), name, wrong))
        assert isinstance(found, Refusal) or not believed(s, found).exact or name == "source_end"


def test_a_speed_that_reads_a_little_wrong_loses_no_frame() -> None:
    s = ALL["23.976 in 25 reversed"]
    assert not believed(s, answer(s, misread(item_of(s, AnswerVariant(touched=False)), "speed", 1))).exact


def test_where_files_may_count_from_0_the_clock_tells_an_offset_that_is_wrong() -> None:
    s = ALL["sequence from 1"]
    assert isinstance(answer(s, misread(item_of(s, AnswerVariant(numbered=False)), "left_offset", -1)), Refusal)
    assert isinstance(answer(s, misread(item_of(s), "left_offset", 1)), Refusal)


def test_source_frames_that_run_backwards_are_not_believed_alone() -> None:
    s = replace(ALL["25 in 25"], frames=4, entry=Fraction(0), record=2)
    assert isinstance(answer(s, misread(item_of(s, AnswerVariant(speed=False)), "source_start", 3)), Refusal)


def test_what_is_restored_is_not_more_than_what_is_touched() -> None:
    assert len(believed(ALL["25 in 25"], answer(ALL["25 in 25"], item_of(ALL["25 in 25"])))) == 40
    double = ALL["50 in 25"]
    found = believed(double, answer(double, item_of(double)))
    assert (found.first, found.stop) == (34, 114)
    frozen = ALL["freeze"]
    assert len(believed(frozen, answer(frozen, item_of(frozen)))) == 1


def test_a_ramp_is_restored_whole_and_marked() -> None:
    s = ALL["ramp"]
    item = replace(item_of(s), speed=100.0)
    found = believed(s, answer(s, item))
    assert not found.steady
    assert not found.exact
    trimmed = replace(item_of(s, AnswerVariant(speed=False)), left_offset=4.0)
    assert not believed(s, answer(s, trimmed)).exact


NUMBERS = (
    "start", "end", "duration", "left_offset", "source_start", "source_end", "source_start_seconds",
    "source_end_seconds", "speed",
)  # fmt: skip
WRONG = st.one_of(
    st.integers(-4, 4).map(float),
    st.integers(-3000, 3000).map(float),
    st.floats(-60, 60, allow_nan=False),
    st.sampled_from([0.5, -0.5, 0.04, -0.04, 1001.0, -1001.0]),
    st.sampled_from([None, math.nan, math.inf]),
)


@settings(max_examples=800, deadline=None)
@given(st.sampled_from(SITUATIONS), st.sampled_from(VARIANTS), st.sampled_from(NUMBERS), WRONG)
def test_one_wrong_number_is_never_believed(
    s: Situation, variant: AnswerVariant, name: str, wrong: float | None
) -> None:
    found = answer(s, misread(item_of(s, variant), name, wrong))
    if isinstance(found, SourceRange):
        check(s, found)


def misread(item: ItemFacts, name: str, wrong: float | None) -> ItemFacts:
    said = getattr(item, name)
    changes: dict[str, Any] = {name: None if wrong is None or said is None else said + wrong}
    return replace(item, **changes)


rates = st.sampled_from([Fraction(24000, 1001), *map(Fraction, (24, 25, 30, 50, 60)), Fraction(30000, 1001)])


@st.composite
def anything(draw: st.DrawFn) -> Situation:
    rate, timeline_rate = draw(rates), draw(rates)
    s = Situation("any", rate, timeline_rate, frames=draw(st.integers(2, 400)))
    speed = draw(st.sampled_from([Fraction(each, 100) for each in (100, 100, 100, 50, 200, 33, 87, 400, -100, -50, 0)]))
    first = draw(st.integers(0, s.frames - 2))
    part = (first, draw(st.integers(first + 1, s.frames))) if first and draw(st.booleans()) else None
    low, stop = part or (0, s.frames)
    start = draw(st.integers(low, stop - 1))
    entry = Fraction(start)
    if draw(st.booleans()):
        moved = low + floor((start - low) / s.ratio) * s.ratio
        entry = moved if speed >= 0 else entry
    step = abs(speed) * s.ratio
    room = (stop - entry) / step if speed > 0 else (entry - low + 1) / step if speed < 0 else Fraction(50)
    record = draw(st.integers(1, max(1, floor(room))))
    number = draw(st.sampled_from([None, None, 0, 1, 7, 1001]))
    timecode = draw(st.sampled_from(["00:00:00:00", "10:11:12:13", "23:59:59:00"]))
    if speed < 0:
        record = min(record, max(1, floor((entry - low) / step) + 1))
    return replace(s, speed=speed, part=part, entry=entry, record=record, number=number, timecode=timecode)


@settings(max_examples=800, deadline=None)
@given(anything(), st.sampled_from(VARIANTS))
def test_whatever_is_true_it_is_read_right_or_refused(s: Situation, variant: AnswerVariant) -> None:
    found = answer(s, item_of(s, variant))
    if isinstance(found, SourceRange):
        check(s, found)


@settings(max_examples=800, deadline=None)
@given(anything(), st.sampled_from(VARIANTS), st.sampled_from(NUMBERS), WRONG)
def test_whatever_is_true_one_wrong_number_is_never_believed(
    s: Situation, variant: AnswerVariant, name: str, wrong: float | None
) -> None:
    found = answer(s, misread(item_of(s, variant), name, wrong))
    if isinstance(found, SourceRange):
        check(s, found)


@settings(max_examples=300, deadline=None)
@given(anything(), st.integers(0, 30), st.integers(1, 30))
def test_part_of_an_item_shows_what_the_item_shows_there(s: Situation, skip: int, keep: int) -> None:
    found = answer(s, item_of(s))
    if isinstance(found, Refusal) or skip >= s.record:
        return
    keep = min(keep, s.record - skip)
    part = part_of(found, s.ratio, skip, keep)
    shown = s.shown[skip : skip + keep]
    assert found.first <= part.first
    assert part.stop <= found.stop
    assert set(shown) <= set(range(part.first, part.stop))
    if part.exact:
        assert [floor(part.first + part.offset + k * part.speed * s.ratio) for k in range(keep)] == shown


def test_files_may_be_counted_from_zero_where_the_clock_says_so() -> None:
    s = ALL["sequence from 1001"]
    found = believed(s, answer(s, item_of(s, AnswerVariant(numbered=False))))
    assert found.exact
    assert "from 0" in found.how


def test_an_unknown_source_is_refused_until_a_list_tells() -> None:
    s = ALL["25 in 25"]
    item = replace(item_of(s), source_start=0, source_end=0)
    refused = answer(s, item)
    assert isinstance(refused, Refusal)
    assert refused.code == "unknown"
    assert believed(s, answer(s, item, OtioReading(Fraction(20)))).exact


def test_disagreement_is_refused_until_a_list_agrees_with_one() -> None:
    s = ALL["24 in 25"]
    item = replace(item_of(s), left_offset=3.0)
    refused = answer(s, item)
    assert isinstance(refused, Refusal)
    assert refused.code == "disagree"
    assert refused.renderable
    assert believed(s, answer(s, item, OtioReading(s.entry))).exact
    assert isinstance(answer(s, item, OtioReading(s.entry + 11)), Refusal)


def test_a_list_that_contradicts_what_is_undecided_is_not_believed() -> None:
    s = ALL["24 in 25"]
    undecided = replace(item_of(s), source_start_seconds=None, source_end_seconds=None)
    assert not believed(s, answer(s, undecided)).exact
    assert believed(s, answer(s, undecided, OtioReading(s.entry))).exact
    assert isinstance(answer(s, undecided, OtioReading(s.entry + 7)), Refusal)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"Frames": "99", "End": "98"}, "frames"),
        ({"Frames": "120", "End": "119"}, "frames"),
        ({"Start": "30"}, "frames"),
        ({"End": "98"}, "frames"),
        ({"FPS": "vfr"}, "attribute"),
    ],
)
def test_a_clip_that_does_not_fit_its_file_is_refused(changed: dict[str, str], code: str) -> None:
    s = ALL["25 in 25"]
    clip = replace(clip_of(s), properties={**clip_of(s).properties, **changed})
    refused = source_range(item_of(s), clip, timeline_of(s), media_of(s))
    assert isinstance(refused, Refusal)
    assert refused.code == code


def test_what_resolve_does_not_say_of_a_clip_is_taken_from_its_file() -> None:
    s = ALL["25 in 25"]
    clip = replace(clip_of(s), properties={**clip_of(s).properties, "Start": "", "Frames": "", "End": ""})
    found = source_range(item_of(s), clip, timeline_of(s), media_of(s))
    assert found == source_range(item_of(s), clip_of(s), timeline_of(s), media_of(s))


def test_what_lies_outside_of_the_file_is_refused() -> None:
    s = replace(ALL["25 in 25"], entry=Fraction(80))
    refused = answer(s, item_of(s))
    assert isinstance(refused, Refusal)
    assert refused.code == "outside"


def test_an_item_that_says_nothing_is_refused() -> None:
    s = ALL["25 in 25"]
    refused = answer(s, replace(item_of(s), duration=None, start=None, end=None))
    assert isinstance(refused, Refusal)
    assert refused.code == "hollow"


def test_a_duration_that_is_not_what_lies_between_start_and_end_is_refused() -> None:
    s = ALL["25 in 50"]
    assert believed(s, answer(s, item_of(s))).exact
    refused = answer(s, misread(item_of(s), "end", 1))
    assert isinstance(refused, Refusal)
    assert refused.reason.startswith("item: ")


def test_a_still_is_one_frame_however_long_it_is_seen() -> None:
    s = replace(ALL["25 in 25"], frames=1, number=12, record=500)
    assert len(believed(replace(s, speed=Fraction(0), entry=Fraction(0)), answer(s, item_of(s)))) == 1


@st.composite
def ramps(draw: st.DrawFn) -> Situation:
    speeds = [Fraction(each, 100) for each in (25, 50, 80, 100, 150, 200, 300)]
    pieces = tuple(draw(st.lists(st.tuples(st.integers(1, 30), st.sampled_from(speeds)), min_size=2, max_size=4)))
    rate, timeline_rate = draw(rates), draw(rates)
    s = Situation("ramp", rate, timeline_rate, 2000, entry=Fraction(draw(st.integers(0, 900))), pieces=pieces)
    return replace(s, record=sum(length for length, _ in pieces))


@settings(max_examples=300, deadline=None)
@given(ramps(), st.sampled_from(VARIANTS), st.sampled_from([None, 0, 1]))
def test_all_frames_of_a_ramp_are_restored_or_it_is_refused(
    s: Situation, variant: AnswerVariant, piece: int | None
) -> None:
    """GetSpeed says its mean, or the speed of one of its pieces."""
    item = item_of(s, variant)
    if piece is not None and variant.speed:
        item = replace(item, speed=float(100 * s.pieces[piece][1]))
    found = answer(s, item)
    if isinstance(found, SourceRange):
        assert set(s.shown) <= set(range(found.first, found.stop))
