"""What an editor knows better than the file: clip attributes that were changed, or that a file cannot hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from answerprint.errors import InputError
from answerprint.frames.clip import ClipInfo, FieldOrder
from answerprint.frames.timecode import Timecode

__all__ = ["Interpretation"]

_RANGES = {"video": "tv", "full": "pc"}
_ORDERS: dict[str, FieldOrder] = {"top": "top", "bottom": "bottom"}


@dataclass(frozen=True, slots=True)
class Interpretation:
    """Each None leaves what the file says.

    rate: frames per second at which the frames are played; none are added or left out. start_timecode: label of
    frame 0. pixel_aspect: width over height. levels: `video` or `full`. sound: whether it is copied. fields:
    `progressive`, `top` or `bottom` (which of them comes first).
    """

    rate: Fraction | None = None
    start_timecode: str | None = None
    pixel_aspect: Fraction | None = None
    levels: str | None = None
    fields: str | None = None
    sound: bool = True

    @classmethod
    def parse(cls, given: Mapping[str, str]) -> Interpretation:
        """Read `rate=24000/1001`, `sound=no` and the others by their names. Raises InputError."""
        if unknown := sorted(given.keys() - {"rate", "start_timecode", "pixel_aspect", "levels", "fields", "sound"}):
            raise InputError(f"Clips have no attribute {unknown[0]!r}.")
        levels, sound = given.get("levels"), given.get("sound", "yes")
        if levels not in (None, *_RANGES):
            raise InputError(f"Levels cannot be {levels!r}.", "They are video or full.")
        if (fields := given.get("fields")) not in (None, "progressive", "top", "bottom"):
            raise InputError(f"Fields cannot be {fields!r}.", "They are progressive, top or bottom.")
        if sound not in ("yes", "no"):
            raise InputError(f"Sound cannot be {sound!r}.", "It is yes or no.")
        return cls(
            _positive("rate", given.get("rate")),
            given.get("start_timecode"),
            _positive("pixel_aspect", given.get("pixel_aspect")),
            levels,
            fields,
            sound == "yes",
        )

    def of(self, info: ClipInfo) -> ClipInfo:
        """The clip as the editor sees it. Raises InputError for a timecode that its rate does not have."""
        rate = self.rate or info.rate
        # Sound that is played at its own speed does not fit pictures that are not.
        sound = self.sound and rate == info.rate
        timecode = self.start_timecode if self.start_timecode is not None else info.start_timecode
        if timecode is not None and (self.start_timecode is not None or rate != info.rate):
            timecode = _label(timecode, rate, given=self.start_timecode is not None)
        colour = info.colour if self.levels is None else replace(info.colour, range=_RANGES[self.levels])
        return replace(
            info,
            rate=rate,
            file_rate=info.file_rate or (info.rate if rate != info.rate else None),
            interlaced=info.interlaced if self.fields is None else self.fields != "progressive",
            field_order=_ORDERS.get(self.fields or "", info.field_order),
            rate_is_assumed=info.rate_is_assumed and self.rate is None,
            start_timecode=timecode,
            sample_aspect=self.pixel_aspect or info.sample_aspect,
            colour=colour,
            has_audio=info.has_audio and sound,
        )


def _label(text: str, rate: Fraction, *, given: bool) -> str | None:
    try:
        return str(Timecode.parse(text, rate))
    except InputError:
        if given:
            raise
        return None  # the file's own, which does not exist at the editor's rate


def _positive(name: str, text: str | None) -> Fraction | None:
    if text is None:
        return None
    try:
        value = Fraction(text)
    except (ValueError, ZeroDivisionError):
        value = Fraction(0)
    if value <= 0:
        raise InputError(f"{name} cannot be {text!r}.", "Give a number above 0 such as 25 or 24000/1001.")
    return value
