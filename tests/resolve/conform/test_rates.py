"""Resolve's texts have one meaning, or are refused."""

from __future__ import annotations

import contextlib
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerprint.errors import InputError
from answerprint.resolve.conform.rates import clip_rate, is_drop, pixel_aspect, rate, resolution, whole


@pytest.mark.parametrize(
    ("said", "exact"),
    [
        ("23.976", Fraction(24000, 1001)),
        (23.98, Fraction(24000, 1001)),
        (23.976023976, Fraction(24000, 1001)),
        ("24", Fraction(24)),
        (24.0, Fraction(24)),
        ("25.000", Fraction(25)),
        ("29.97 DF", Fraction(30000, 1001)),
        ("29.97", Fraction(30000, 1001)),
        ("47.952", Fraction(48000, 1001)),
        ("59.94 DF", Fraction(60000, 1001)),
        (59.94, Fraction(60000, 1001)),
        (119.88, Fraction(120000, 1001)),
        ("12.5", Fraction(25, 2)),
        ("16", Fraction(16)),
        ("30000/1001", Fraction(30000, 1001)),
    ],
)
def test_rates_are_exact(said: str | float, exact: Fraction) -> None:
    assert rate(said) == exact


@pytest.mark.parametrize("said", ["", "fast", "24.98", "25.007", "0", "-25", "nan", "1e3", "24/0", "0/1", "2000"])
def test_a_rate_that_may_be_several_is_refused(said: str) -> None:
    with pytest.raises(InputError):
        rate(said)


def test_an_odd_rate_is_taken_from_the_file_where_it_reads_the_same() -> None:
    odd = Fraction(25007, 1000)
    assert clip_rate("25.007", odd) == odd
    assert clip_rate("23.976", Fraction(2997, 125)) == Fraction(24000, 1001)
    with pytest.raises(InputError):
        clip_rate("25.1", odd)
    with pytest.raises(InputError):
        clip_rate("vfr", odd)


@given(st.one_of(st.text(max_size=12), st.floats(), st.integers()))
def test_nothing_but_an_input_error_comes_of_other_texts(said: str | float) -> None:
    with contextlib.suppress(InputError):
        assert rate(said) > 0


def test_drop_frame_is_told_by_rate_or_timecode() -> None:
    assert is_drop("29.97 DF")
    assert is_drop("29.97", "01:00:00;00")
    assert not is_drop("29.97", "01:00:00:00")
    assert not is_drop("29.97 NDF")


@pytest.mark.parametrize(
    ("said", "size", "exact"),
    [
        ("Square", (1920, 1080), Fraction(1)),
        ("square", (1920, 1080), Fraction(1)),
        ("Cinemascope", (1828, 1556), Fraction(2)),
        ("1.3333", (1440, 1080), Fraction(4, 3)),
        ("1.33", (1440, 1080), Fraction(4, 3)),
        ("1.4587", (720, 576), Fraction(14587, 10000)),
        ("0.9091", (720, 486), Fraction(10, 11)),
        ("2", (2048, 1716), Fraction(2)),
        ("Anamorphic 1.33x", (1440, 1080), Fraction(4, 3)),
        ("2x anamorphic", (2048, 1716), Fraction(2)),
        ("4:3 standard definition", (720, 576), Fraction(16, 15)),
        ("16:9 standard definition", (720, 576), Fraction(64, 45)),
        ("4:3", (720, 480), Fraction(8, 9)),
        ("16:9 anamorphic", (1440, 1080), Fraction(4, 3)),
    ],
)
def test_pixel_aspects_are_exact(said: str, size: tuple[int, int], exact: Fraction) -> None:
    assert pixel_aspect(said, size) == exact


def test_the_files_own_aspect_is_meant_where_it_reads_so() -> None:
    assert pixel_aspect("1.07", (720, 576), Fraction(59, 55)) == Fraction(59, 55)
    assert pixel_aspect("", (720, 576), Fraction(16, 15)) == Fraction(16, 15)


@pytest.mark.parametrize("said", ["Anamorphic", "4:3", "wide", "0", "-1", "0.00"])
def test_an_aspect_that_cannot_be_told_is_refused(said: str) -> None:
    with pytest.raises(InputError):
        pixel_aspect(said, (1920, 1080))


def test_sizes_and_counts_are_read() -> None:
    assert resolution("1920x1080") == (1920, 1080)
    assert resolution(" 720 X 576 ") == (720, 576)
    assert (whole("100"), whole(" -1 "), whole(""), whole("1.5")) == (100, -1, None, None)
    for bad in ("", "1920", "0x1080", "1920x1080x3"):
        with pytest.raises(InputError):
            resolution(bad)


@pytest.mark.parametrize("exact", [Fraction(24000, 1001), Fraction(30000, 1001), Fraction(60000, 1001), Fraction(25)])
def test_a_rate_as_a_number_of_many_decimals_is_exact(exact: Fraction) -> None:
    assert rate(float(exact)) == rate(str(float(exact))) == exact
