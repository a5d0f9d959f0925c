from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from media.makers import make_movie
from media.tmcd import first_label


@pytest.mark.parametrize(
    ("rate", "label"),
    [
        (Fraction(25), "10:11:12:13"),
        (Fraction(24000, 1001), "04:18:37:13"),
        (Fraction(30000, 1001), "00:59:58;10"),
        (Fraction(30000, 1001), "01:00:00;00"),
        (Fraction(30000, 1001), "00:01:00;02"),
        (Fraction(30000, 1001), "01:00:00:00"),
        (Fraction(60000, 1001), "00:01:00;04"),
        (Fraction(50), "23:59:59:49"),
    ],
)
def test_a_timecode_track_says_what_was_written(tmp_path: Path, rate: Fraction, label: str) -> None:
    assert first_label(make_movie(tmp_path / "a.mov", 2, rate=rate, timecode=label)) == label


def test_a_file_without_a_timecode_track_has_no_label(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="no timecode track"):
        first_label(make_movie(tmp_path / "a.mov", 2))
