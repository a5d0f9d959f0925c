"""Read and write times and durations as people do, in local time."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from answerprint.errors import InputError

__all__ = ["clock_words", "duration", "parse_span", "parse_when"]

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_SPAN = re.compile(r"(?:\d{1,9}(?:\.\d{1,3})?[smhd])+")
_PART = re.compile(r"(\d+(?:\.\d+)?)([smhd])")
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_REMEDY = "Give a time such as 20:00, 2030-01-31T06:30, +2h or now."


def parse_span(text: str) -> float:
    """Return the seconds of a duration such as 90s, 10m, 1h30m or 2d. Raises InputError."""
    if not _SPAN.fullmatch(text):
        raise InputError(f"{text!r} is not a duration.", "Give a number and a unit, such as 90s, 10m, 1h30m or 2d.")
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))


def parse_when(text: str, now: datetime | None = None) -> float:
    """Return a future time in seconds since 1970; 0 for `now`.

    A time of day that has passed means tomorrow. now: local time without a zone, for tests. Raises InputError.
    """
    text = text.strip()
    if text == "now":
        return 0.0
    now = now or datetime.now()
    if text.startswith("+"):
        return now.timestamp() + parse_span(text[1:])
    if clock := _CLOCK.fullmatch(text):
        moment = now.replace(hour=int(clock[1]), minute=int(clock[2]), second=0, microsecond=0)
        # One calendar day, not 24 hours: the clocks may change during the night.
        return (moment if moment > now else moment + timedelta(days=1)).timestamp()
    try:
        seconds = datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError, OSError) as error:
        raise InputError(f"{text!r} is not a time.", _REMEDY) from error
    if seconds <= now.timestamp():
        raise InputError(f"{text} is in the past.", _REMEDY)
    return seconds


def clock_words(seconds: float, now: datetime | None = None) -> str:
    """Return a local time, as short as is clear: 20:00, Tue 20:00, 2030-01-31 20:00."""
    now = now or datetime.now()
    moment = datetime.fromtimestamp(seconds)
    if moment.date() == now.date():
        return f"{moment:%H:%M}"
    if abs((moment.date() - now.date()).days) < 7:
        return f"{moment:%a %H:%M}"
    return f"{moment:%Y-%m-%d %H:%M}"


def duration(seconds: float) -> str:
    """Return a duration in at most two units: 12 s, 3 min 20 s, 2 h 05 min."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"
