"""Ranges: `A:B` in frames and in timecodes, always inside the clip."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from answerprint.errors import InputError
from answerprint.frames import ClipInfo, FrameRange, parse_range, start_timecode_at

CLIP = ClipInfo(Path("/clip.mov"), "file", 64, 48, Fraction(25), 100, start_timecode="01:00:00:00")


@pytest.mark.parametrize(
    ("text", "start", "stop"),
    [("0:5", 0, 5), (":", 0, 100), ("10:", 10, 100), (":7", 0, 7), ("01:00:00:10:01:00:01:00", 10, 25)],
)
def test_a_range_is_read_with_its_end_left_out(text: str, start: int, stop: int) -> None:
    assert parse_range(text, CLIP) == FrameRange(start, stop)


@pytest.mark.parametrize("text", ["0:101", "100:", "5:5", "9:3", "-1:5", "x", "5"])
def test_a_range_outside_the_clip_is_refused_with_the_valid_one(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_range(text, CLIP)
    assert "0:100" in str(caught.value)


def test_a_clip_without_timecode_counts_from_zero() -> None:
    plain = ClipInfo(Path("/clip.mov"), "file", 64, 48, Fraction(25), 100)
    assert parse_range("00:00:01:00:00:00:02:00", plain) == FrameRange(25, 50)
    assert start_timecode_at(plain, 25) is None


def test_the_first_frame_of_a_range_is_labelled_start_plus_in_point() -> None:
    assert start_timecode_at(CLIP, 26) == "01:00:01:01"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("01:00:00:00:01:00:04:01", "reaches outside the clip"),
        ("00:59:59:24:01:00:01:00", "reaches outside the clip"),
        ("01:00:02:00:01:00:01:00", "does not run forward"),
        ("01:00:02:00:01:00:02:00", "is empty"),
    ],
)
def test_a_range_in_timecodes_is_answered_in_timecodes(typed: str, said: str) -> None:
    with pytest.raises(InputError) as refusal:
        parse_range(typed, CLIP)
    assert refusal.value.message.startswith(f"The range {typed} {said}")
    assert "from 01:00:00:00 to 01:00:04:00" in refusal.value.remedy
    assert "0:100" not in str(refusal.value)


@pytest.mark.parametrize(
    ("rate", "begins", "typed", "expected"),
    [
        (Fraction(25), "23:59:59:00", "23:59:59:20:00:00:00:05", FrameRange(20, 30)),
        (Fraction(25), "23:59:59:00", "00:00:00:00:00:00:03:00", FrameRange(25, 100)),
        (Fraction(25), "23:59:59:00", "23:59:59:00:23:59:59:10", FrameRange(0, 10)),
        (Fraction(30000, 1001), "23:59:59;00", "23:59:59;20:00:00:00;05", FrameRange(20, 35)),
        (Fraction(60000, 1001), "23:59:59;00", "00:00:00;00-00:00:00;10", FrameRange(60, 70)),
        (Fraction(24000, 1001), "23:59:58:00", "23:59:59:00:00:00:00:01", FrameRange(24, 49)),
    ],
)
def test_a_range_goes_on_over_midnight(rate: Fraction, begins: str, typed: str, expected: FrameRange) -> None:
    clip = ClipInfo(Path("/clip.mov"), "file", 64, 48, rate, 100, start_timecode=begins)
    assert parse_range(typed, clip) == expected
    assert start_timecode_at(clip, expected.stop) == typed[12:]
    with pytest.raises(InputError, match=r"outside the clip|does not run forward"):
        parse_range(f"{begins}:00:00:30{begins[8]}00", clip)


def test_labels_that_count_in_another_way_than_the_clip_are_refused() -> None:
    clip = ClipInfo(Path("/clip.mov"), "file", 64, 48, Fraction(30000, 1001), 9000, start_timecode="01:00:00;00")
    with pytest.raises(InputError, match=r"01:02:00:00 is not drop-frame.* begins at 01:00:00;00"):
        parse_range("01:00:01;00:01:02:00:00", clip)
