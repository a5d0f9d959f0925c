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
