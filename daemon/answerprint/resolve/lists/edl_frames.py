"""From labels of an EDL to frames: of the record side, and of the file that a shot shows."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from ...errors import InputError
from ...frames.timecode import Timecode
from ...jobs.api import MediaInfo
from ..reading.facts import SourceRange
from .events import Shot

__all__ = ["Record", "frames_of", "index_of", "record_of", "source_of", "start_of"]

_LAST = re.compile(r"[:;.,](\d+)$")
_REMEDY = "Export the list again, as OTIO where the editor offers it."


@dataclass(frozen=True, slots=True)
class Record:
    """Record frames of a shot; listed: without what goes on under a dissolve."""

    first: int
    listed: int
    tail: int

    @property
    def duration(self) -> int:
        """All of them."""
        return self.listed + self.tail


def record_of(shot: Shot, rate: Fraction) -> Record:
    """Where a shot stands on the timeline. Raises InputError."""
    event = shot.event
    drop = bool(event.drop) or ";" in event.record_in
    first, stop = (frames_of(label, rate, drop) for label in (event.record_in, event.record_out))
    if stop < first:
        raise InputError(f"It ends ({event.record_out}) before it begins ({event.record_in}).", _REMEDY)
    return Record(first, stop - first, shot.tail)


def source_of(shot: Shot, record: Record, rate: Fraction, media: MediaInfo) -> SourceRange:
    """Frames of the media that a shot shows, un-retimed. Raises InputError when the list and the media do not agree."""
    if media.rate != rate and not media.rate_is_assumed:
        raise InputError(
            f"{media.path} runs at {_shown(media.rate)} and the list at {_shown(rate)} frames per second: an EDL does"
            " not say in which it counts the source.",
            "Name the list's rate with --rate if that one is wrong, or export the list as OTIO.",
        )
    event = shot.event
    first, stop = (index_of(label, rate, media) for label in (event.source_in, event.source_out))
    if stop < first and shot.motion is None:
        raise InputError(f"Its source ends ({event.source_out}) before it begins ({event.source_in}).", _REMEDY)
    speed = _speed(shot, rate, abs(stop - first), record.listed)
    if speed < 0 or stop < first:
        return _backwards(first, stop, speed, record)
    if not speed:
        return SourceRange(first, first + 1, speed, how="timecode")
    # A list gives the frames that are used or, wrongly, as many as are seen: both are inside this.
    used = stop - first
    needed = max(used, math.ceil(record.listed * speed))
    needed = min(needed, max(used, media.frames - first))  # what was rounded up may lie past the end
    return SourceRange(first, first + needed + math.ceil(record.tail * speed), speed, how="timecode")


def _backwards(first: int, stop: int, speed: Fraction, record: Record) -> SourceRange:
    """Lists do not agree from which end a reversed source counts: both ends are inside, with a frame to spare."""
    if record.tail:
        raise InputError("It plays backwards under a dissolve.", "Restore the clip in Resolve.")
    if first == stop:
        raise InputError("It plays backwards, and the list does not say how far.", "Restore the clip in Resolve.")
    low, high = min(first, stop), max(first, stop)
    return SourceRange(low, high + (stop < first), speed if speed < 0 else -speed, how="timecode")


def _speed(shot: Shot, rate: Fraction, used: int, seen: int) -> Fraction:
    """Source frames for one of the record side. Raises InputError when the list contradicts itself."""
    if shot.motion is None:
        if used != seen:
            raise InputError(
                f"{used} frames of the source are {seen} on the timeline, and no M2 line says how fast they run.",
                _REMEDY,
            )
        return Fraction(1)
    written = Fraction(shot.motion.rate)
    base = Fraction(round(rate))
    if not written:
        return Fraction(0)
    # M2 is rounded to a tenth, and counts in 24 or in 23.976: the two lengths say it exactly, where they agree with it.
    readings = (written / rate, written / base)
    if seen and used:
        exact = Fraction(used, seen) * (1 if written > 0 else -1)
        slack = Fraction(1, 20) / base + Fraction(1, seen)
        if any(abs(exact - each) <= slack for each in readings):
            return exact
        if used != seen:
            raise InputError(
                f"{used} frames of the source are {seen} on the timeline, but M2 says {shot.motion.rate} a second.",
                _REMEDY,
            )
    return readings[1]


def index_of(label: str, rate: Fraction, media: MediaInfo) -> int:
    """The frame of the media that has a label. Raises InputError when it cannot have it."""
    start, drop = start_of(media, rate)
    if not media.start_timecode:
        drop = ";" in label
    elif ";" in label and not drop:
        raise InputError(
            f"The list counts {label} in drop-frame, and {media.path} does not.",
            "This is another file than the one that was edited, or its timecode was changed.",
        )
    index = frames_of(label, rate, drop) - start
    if index < 0:
        past_midnight = index + frames_of("23:59:59:00", rate, drop) + round(rate)
        if past_midnight <= media.frames:
            return past_midnight
    return index


def start_of(media: MediaInfo, rate: Fraction) -> tuple[int, bool]:
    """Label of frame 0 as a count, and whether it is drop-frame.

    Media without timecode count from 0, sequences from their first number, as Resolve does.
    """
    if media.start_timecode:
        drop = ";" in media.start_timecode
        return frames_of(media.start_timecode, rate, drop), drop
    return media.start_number if media.sequence else 0, False


@lru_cache(maxsize=4096)  # each event begins with the label that the one before ends with, and media with one label
def frames_of(label: str, rate: Fraction, drop: bool) -> int:
    """A label as a count, whatever separators it is written with. Raises InputError when it does not exist."""
    return Timecode.parse(_LAST.sub(r";\1" if drop else r":\1", label), rate).frames


def _shown(rate: Fraction) -> str:
    return str(rate) if rate.denominator == 1 else f"{float(rate):.3f}"
