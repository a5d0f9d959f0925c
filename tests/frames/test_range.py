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


@pytest.mark.parametrize(
    "text", ["0:101", "100:", "5:5", "9:3", "-1:5", "x", "5", "00:59:59:00:01:00:01:00", "01:00:03:00:01:00:09:00"]
)
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
