"""From times of an OTIO file to frames of the media: where its coordinate begins, and what a clip shows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from ...errors import InputError
from ...frames.timecode import Timecode
from ...jobs.api import MediaInfo
from ..reading.facts import SourceRange

__all__ = ["Time", "Used", "begin_of", "frame_rate", "source_of"]

_SNAP = Fraction(1, 1000)  # floats in a file, not frames
_OTHER = "This is another file than the one that was edited, or its timecode was changed."


@dataclass(frozen=True, slots=True)
class Time:
    """A time as a file gives it; rate: exact, of whatever it counts."""

    value: Fraction
    rate: Fraction

    @property
    def seconds(self) -> Fraction:
        """The same in seconds."""
        return self.value / self.rate


@dataclass(frozen=True, slots=True)
class Used:
    """What a clip says. start: of what is shown, in the media's own coordinate. Others in seconds of the timeline.

    available_start, available: where the media begin in that coordinate, and how long they are; None where it does not
    say. scalar: speed. picture: number in the file name of the frame at available_start, of a sequence.
    """

    start: Time
    duration: Fraction
    head: Fraction
    tail: Fraction
    scalar: Fraction
    available_start: Time | None = None
    available: Time | None = None
    picture: int | None = None


def source_of(used: Used, media: MediaInfo) -> SourceRange:
    """Frames of the media that a clip shows, un-retimed. Raises InputError where that cannot be known."""
    if used.scalar < 0:
        raise InputError(
            "It plays backwards, and an OTIO file does not say from which end it counts.",
            "Restore the clip in Resolve, or export an EDL.",
        )
    begin = begin_of(used, media)
    rate = frame_rate(used, media)
    start = _snapped(begin - used.head * used.scalar * rate)
    first = math.floor(start)
    if not used.scalar:
        return SourceRange(first, first + 1, used.scalar, start - first, how="coordinate")
    end = _snapped(begin + (used.duration + used.tail) * used.scalar * rate)
    stop = math.ceil(end)
    if stop > media.frames > end - 1 and (used.scalar != 1 or rate != used.start.rate):
        stop = media.frames  # less than a frame, which an editor rounds off
    return SourceRange(first, stop, used.scalar, start - first, how="coordinate")


def begin_of(used: Used, media: MediaInfo) -> Fraction:
    """The frame of the media, from 0, at the first cut of a clip. Raises InputError where that cannot be known."""
    rate = frame_rate(used, media)
    if used.available_start is None:
        return _in_file(used.start.seconds * rate, used.duration * used.scalar * rate, media)
    inside = (used.start.seconds - used.available_start.seconds) * rate
    if used.picture is not None:
        return _snapped(inside + used.picture - media.start_number)
    whole = used.available is not None and abs(used.available.seconds * rate - media.frames) < 1
    if whole:
        return _snapped(inside)
    length = used.available.seconds * rate if used.available is not None else Fraction(0)
    return _snapped(inside + _in_file(used.available_start.seconds * rate, length, media))


def _in_file(coordinate: Fraction, length: Fraction, media: MediaInfo) -> Fraction:
    """Where a coordinate lies in the file. Programs count from its timecode, or from 0: the one that fits is meant."""
    fitting = {
        _snapped(coordinate - origin)
        for origin in (_timecode_start(media), 0)
        if _snapped(coordinate - origin) >= 0 and _snapped(coordinate - origin + length) <= media.frames
    }
    if not fitting:
        raise InputError(f"What it shows lies outside {media.path}, which has {media.frames} frames.", _OTHER)
    if len(fitting) > 1:
        raise InputError(
            f"It may count the frames of {media.path} from 0 or from its timecode.", "Export the list as EDL instead."
        )
    return fitting.pop()


def frame_rate(used: Used, media: MediaInfo) -> Fraction:
    """Frames of the media in a second of the list: their own, unless the editor conformed them to another rate.

    Raises InputError where that cannot be known.
    """
    listed = used.available_start.rate if used.available_start is not None else used.start.rate
    if media.rate_is_assumed:
        return listed
    if listed == media.rate or used.available is None:
        return media.rate
    by_time = abs(used.available.seconds * media.rate - media.frames) < 1
    by_count = abs(used.available.value - media.frames) < 1
    if by_time == by_count:
        raise InputError(
            f"The list says that {media.path} runs at {float(listed):.3f} frames per second, the file says"
            f" {float(media.rate):.3f}.",
            "Restore the clip in Resolve.",
        )
    return media.rate if by_time else listed


def _timecode_start(media: MediaInfo) -> int:
    if media.start_timecode:
        return Timecode.parse(media.start_timecode, media.rate).frames
    return media.start_number if media.sequence else 0


def _snapped(frames: Fraction) -> Fraction:
    nearest = Fraction(round(frames))
    return nearest if abs(frames - nearest) < _SNAP else frames
