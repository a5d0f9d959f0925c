"""Times as people write and read them."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from answerprint.cli.times import clock_words, duration, parse_span, parse_when
from answerprint.errors import InputError

EVENING = datetime(2030, 1, 31, 19, 30, 15)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (200, "3 min 20 s"),
        (3599.7, "1 h 00 min"),
        (7500, "2 h 05 min"),
    ],
)
def test_spans_are_said_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("10m", 600), ("1h30m", 5400), ("2d", 172800), ("1.5h", 5400)]
)
def test_spans_are_read_with_their_units(text: str, seconds: float) -> None:
    assert parse_span(text) == seconds


@pytest.mark.parametrize("text", ["", "10", "h", "10x", "-5m", "1h 30m", "ten minutes", "1e3s"])
def test_a_span_without_a_unit_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InputError, match="10m"):
        parse_span(text)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("20:00", datetime(2030, 1, 31, 20, 0)),
        ("19:30", datetime(2030, 2, 1, 19, 30)),  # has passed today
        ("6:05", datetime(2030, 2, 1, 6, 5)),
        ("+2h", EVENING + timedelta(hours=2)),
        ("+1h30m", EVENING + timedelta(minutes=90)),
        ("2030-02-01T06:30", datetime(2030, 2, 1, 6, 30)),
        ("2030-02-01 06:30:15", datetime(2030, 2, 1, 6, 30, 15)),
        (" 20:00 ", datetime(2030, 1, 31, 20, 0)),
    ],
)
def test_moments_are_read_in_local_time_and_lie_ahead(text: str, moment: datetime) -> None:
    assert parse_when(text, EVENING) == moment.timestamp()


def test_a_moment_with_a_zone_is_taken_in_that_zone() -> None:
    assert parse_when("2030-02-01T06:30+02:00", EVENING) == datetime.fromisoformat("2030-02-01T04:30Z").timestamp()


def test_now_is_at_once() -> None:
    assert parse_when("now") == 0


@pytest.mark.parametrize("text", ["", "soon", "25:00", "20:60", "2030-13-01", "2029-01-01", "+", "+2", "20"])
def test_what_is_no_moment_to_come_is_refused(text: str) -> None:
    with pytest.raises(InputError) as refusal:
        parse_when(text, EVENING)
    assert refusal.value.remedy


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        (EVENING + timedelta(minutes=30), "20:00"),
        (datetime(2030, 2, 1, 6, 30), "Fri 06:30"),
        (datetime(2030, 1, 30, 6, 30), "Wed 06:30"),
        (datetime(2030, 3, 1, 6, 30), "2030-03-01 06:30"),
    ],
)
def test_moments_are_said_as_short_as_they_are_clear(moment: datetime, words: str) -> None:
    assert clock_words(moment.timestamp(), EVENING) == words
