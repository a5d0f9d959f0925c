"""SMPTE ST 12 timecode as a frame count, with drop-frame labels."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction

from answerprint.errors import InputError

__all__ = ["Timecode", "checked_label", "label_of_word", "plausible_rate", "word_of_label"]

_TEXT = re.compile(r"(\d{1,2}):(\d{2}):(\d{2})([:;.,])(\d{2,3})")
_FORM = "Write it as HH:MM:SS:FF, or HH:MM:SS;FF when drop-frame."


@dataclass(frozen=True, slots=True)
class Timecode:
    """A label HH:MM:SS:FF (`;` before FF when drop-frame) held as the number of frames since 00:00:00:00.

    rate is exact, in frames per second; labels count with the rate rounded up (30 for 30000/1001). Drop-frame
    skips labels, never frames: 2 a minute at 29.97 and 4 at 59.94, except in every tenth minute.
    """

    frames: int
    rate: Fraction
    drop: bool = False

    @classmethod
    def parse(cls, text: str, rate: Fraction) -> Timecode:
        """Read a label. Raises InputError if it is malformed or does not exist at this rate."""
        match = _TEXT.fullmatch(text.strip())
        if match is None:
            raise InputError(f"{text!r} is not a timecode.", _FORM)
        hours, minutes, seconds, frame = (int(match[group]) for group in (1, 2, 3, 5))
        drop = match[4] in ";,"
        base = _base(rate)
        if minutes > 59 or seconds > 59 or frame >= base:
            raise InputError(f"Timecode {text} does not exist at {base} frames per second.", "Check the last number.")
        skipped = _dropped_a_minute(rate) if drop else 0
        if drop and not skipped:
            raise InputError(
                f"Timecode {text} is drop-frame, which exists only at 29.97 and 59.94 frames per second.",
                "Write a colon before the frame number.",
            )
        if skipped and minutes % 10 and seconds == 0 and frame < skipped:
            raise InputError(
                f"Timecode {text} is skipped by drop-frame counting.", f"The next one ends in ;{skipped:02}."
            )
        total_minutes = 60 * hours + minutes
        count = (60 * total_minutes + seconds) * base + frame
        return cls(count - skipped * (total_minutes - total_minutes // 10), rate, drop)

    def shifted(self, frames: int) -> Timecode:
        """Return the label that many frames later; it wraps around at 24 hours."""
        return Timecode((self.frames + frames) % self.day, self.rate, self.drop)

    @property
    def day(self) -> int:
        """Frames in 24 hours, after which labels begin again."""
        skipped = _dropped_a_minute(self.rate) if self.drop else 0
        return 24 * 3600 * _base(self.rate) - skipped * (24 * 60 - 24 * 6)

    def __str__(self) -> str:
        base = _base(self.rate)
        count = self.frames
        if self.drop:
            count += _labels_skipped_before(count, base, _dropped_a_minute(self.rate))
        seconds, frame = divmod(count, base)
        minutes, seconds = divmod(seconds, 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours % 24:02}:{minutes:02}:{seconds:02}{';' if self.drop else ':'}{frame:02}"


def checked_label(text: str) -> str:
    """Return the label that a person gave. Raises InputError for one that exists at no rate."""
    match = _TEXT.fullmatch(text.strip())
    if match is None:
        raise InputError(f"{text!r} is not a timecode.", _FORM)
    if int(match[1]) > 23 or int(match[2]) > 59 or int(match[3]) > 59:
        remedy = "Hours run from 00 to 23, minutes and seconds from 00 to 59."
        raise InputError(f"Timecode {text} does not exist.", remedy)
    return text.strip()


def _base(rate: Fraction) -> int:
    """Labels in a second: the rate rounded to the nearest whole number, at least 1."""
    return max(1, round(rate))


def _dropped_a_minute(rate: Fraction) -> int:
    """Labels skipped at a minute: 2 for each 30 of the base, 0 if drop-frame is not defined for the rate."""
    base = _base(rate)
    return base // 15 if base % 30 == 0 and rate.denominator == 1001 else 0


def _labels_skipped_before(count: int, base: int, skipped: int) -> int:
    """How many labels were skipped before frame `count`."""
    a_minute = 60 * base - skipped
    ten_minutes = 10 * a_minute + skipped  # the first of ten minutes skips none
    tens, rest = divmod(count, ten_minutes)
    whole = 0 if rest < 60 * base else 1 + (rest - 60 * base) // a_minute
    return skipped * (9 * tens + whole)


def plausible_rate(value: float) -> Fraction | None:
    """Return the rate that a rounded number means, such as 24000/1001 for 23.976; None if it is no rate."""
    if not math.isfinite(value) or not 1 <= value <= 1000:
        return None
    whole = Fraction(round(value))
    if abs(value - whole) < 0.0005:
        return whole
    slowed = Fraction(round(value * 1.001) * 1000, 1001)
    return slowed if abs(value - slowed) < 0.005 else Fraction(value).limit_denominator(1000)


_DROP_FLAG, _FIELD_MARK = 1 << 6, 1 << 15
_TENS_MASKS = (0x3, 0x7, 0x7, 0x3)  # of hours to frames: the bits above the tens are flags
_PAIRED_ABOVE = 30  # labels a second: two bits of tens count no further, so a label names a pair of frames


def label_of_word(word: int, rate: Fraction | None) -> str:
    """Return the label of a 32-bit word of SMPTE ST 12 as DPX and EXR store it; "" if it is none.

    Hours are in the top byte, frames in the lowest, each as two decimal digits. rate: frames per second, None if
    unknown. Above 30, a word names a pair of frames, and its field mark the second one.
    """
    parts = []
    for shift, mask in zip((24, 16, 8, 0), _TENS_MASKS, strict=True):
        byte = word >> shift & 0xFF
        if byte & 0xF > 9:
            return ""
        parts.append(10 * (byte >> 4 & mask) + (byte & 0xF))
    hours, minutes, seconds, frames = parts
    if rate is not None and _base(rate) > _PAIRED_ABOVE:
        frames = 2 * frames + bool(word & _FIELD_MARK)
    return f"{hours:02}:{minutes:02}:{seconds:02}{';' if word & _DROP_FLAG else ':'}{frames:02}"


def word_of_label(text: str, rate: Fraction) -> int:
    """Return the word that `label_of_word` reads. Raises InputError if the label does not exist at this rate."""
    label = str(Timecode.parse(text, rate))
    hours, minutes, seconds, frames = (int(label[at : at + 2]) for at in (0, 3, 6, 9))
    flags = _DROP_FLAG if label[8] == ";" else 0
    if _base(rate) > _PAIRED_ABOVE:
        frames, second = divmod(frames, 2)
        flags |= _FIELD_MARK * second
    word = 0
    for part in (hours, minutes, seconds, frames):
        word = word << 8 | part // 10 << 4 | part % 10
    return word | flags
