"""Timecode: labels and frames agree, drop-frame skips labels and no frames."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerprint.errors import InputError
from answerprint.frames import Timecode
from answerprint.frames.timecode import label_of_word, word_of_label

NTSC = Fraction(30000, 1001)
RATES = [Fraction(24000, 1001), Fraction(24), Fraction(25), NTSC, Fraction(60000, 1001)]


@pytest.mark.parametrize(
    ("label", "frames"),
    [("00:00:00;00", 0), ("00:00:59;29", 1799), ("00:01:00;02", 1800), ("00:10:00;00", 17982), ("01:00:00;00", 107892)],
)
def test_drop_frame_labels_match_the_published_counts(label: str, frames: int) -> None:
    assert Timecode.parse(label, NTSC).frames == frames
    assert str(Timecode(frames, NTSC, drop=True)) == label


@given(st.sampled_from(RATES), st.integers(0, 2_000_000), st.booleans())
def test_every_frame_has_a_label_that_names_it(rate: Fraction, frame: int, drop: bool) -> None:
    drop = drop and rate in (NTSC, Fraction(60000, 1001))
    timecode = Timecode(0, rate, drop).shifted(frame)
    assert Timecode.parse(str(timecode), rate) == timecode


def test_a_label_starts_again_after_24_hours() -> None:
    assert str(Timecode.parse("23:59:59:24", Fraction(25)).shifted(1)) == "00:00:00:00"


@pytest.mark.parametrize("text", ["", "1:2:3", "00:00:00:25", "00:60:00:00", "00:00:00;00", "aa:00:00:00"])
def test_labels_that_do_not_exist_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        Timecode.parse(text, Fraction(25))


def test_labels_that_drop_frame_skips_are_refused() -> None:
    with pytest.raises(InputError, match="skipped"):
        Timecode.parse("00:01:00;01", NTSC)


@pytest.mark.parametrize(
    ("rate", "labels"),
    [
        (Fraction(24), ("00:00:00:00", "23:59:59:23")),
        (Fraction(30000, 1001), ("00:59:58;10", "10:00:00:29")),
        (Fraction(50), ("10:00:00:24", "10:00:00:49")),
        (Fraction(60000, 1001), ("01:00:59;59", "01:00:00:40")),
    ],
)
def test_a_label_comes_back_from_the_word_that_pictures_store(rate: Fraction, labels: tuple[str, ...]) -> None:
    for label in labels:
        assert label_of_word(word_of_label(label, rate), rate) == label
    assert label_of_word(0x1000002F, rate) == ""  # F is no digit
