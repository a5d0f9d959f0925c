"""Rates and timecodes in Resolve's writing."""

from __future__ import annotations

from fractions import Fraction

from answerprint.errors import InputError
from answerprint.frames.timecode import Timecode

__all__ = ["fps_number", "label", "labelled", "rate_of", "ratio_text"]

_NTSC = {24: Fraction(24000, 1001), 30: Fraction(30000, 1001), 48: Fraction(48000, 1001), 60: Fraction(60000, 1001)}
_NTSC[120] = Fraction(120000, 1001)


def rate_of(value: str | float | Fraction) -> Fraction:
    """The exact rate: 23.976, "29.97 DF" and 59.94 are NTSC ones."""
    if isinstance(value, Fraction):
        return value
    number = Fraction(value.split()[0] if isinstance(value, str) else str(value))
    whole = round(number)
    return (
        _NTSC[whole] if whole in _NTSC and number != whole and abs(number - _NTSC[whole]) < Fraction(1, 100) else number
    )


def fps_number(rate: Fraction) -> float:
    """As Resolve says it: 23.976, 25.0."""
    return round(float(rate), 3)


def labelled(text: str, rate: Fraction) -> Timecode:
    """Read a label; one that does not exist at this rate, such as that of a clip with another FPS, is cut to fit."""
    try:
        return Timecode.parse(text, rate)
    except InputError:
        hours, minutes, seconds, frame = (int(each) for each in text.replace(";", ":").split(":"))
        frame = min(frame, round(rate) - 1)
        return Timecode.parse(f"{hours:02}:{minutes:02}:{seconds:02}:{frame:02}", rate)


def label(frames: int, rate: Fraction, drop: bool) -> str:
    """The label of a frame counted from midnight."""
    return str(Timecode(0, rate, drop).shifted(frames))


def ratio_text(aspect: Fraction) -> str:
    """A pixel aspect ratio."""
    return "Square" if aspect == 1 else f"{float(aspect):.4g}"
