"""Read OTIO files with OpenTimelineIO, which is optional, and convert their times to frames of the media.

Its JSON reader crashes the process on deep nesting, and its searches do on a timeline without tracks (measured with
0.18). Both are checked before it is called.
"""

from __future__ import annotations

import importlib
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeAlias

from answerprint.api.types import MediaInfo
from answerprint.errors import InputError
from answerprint.frames.timecode import Timecode
from answerprint.optional import how_to_install
from answerprint.resolve.conform.facts import SourceRange
from answerprint.resolve.edit_lists.model import exact_rate

__all__ = [
    "Foreign",
    "Placed",
    "Time",
    "Used",
    "begin_of",
    "frame_rate",
    "library",
    "load_timeline",
    "otio_source",
    "placed",
    "time_of",
]

_SNAP = Fraction(1, 1000)  # frames; times in a file are floats
_OTHER = "Use the file that was edited: this one differs, or its timecode was changed."


@dataclass(frozen=True, slots=True)
class Time:
    """A time as the file gives it: value / rate seconds, both exact."""

    value: Fraction
    rate: Fraction

    @property
    def seconds(self) -> Fraction:
        """The time in seconds."""
        return self.value / self.rate


@dataclass(frozen=True, slots=True)
class Used:
    """The part of its media that a clip uses. start: of the clip, in the media's own coordinates.

    duration, head, tail: in seconds of the timeline. scalar: speed. available_start, available: start and length of the
    media in their coordinates, None if not given. picture: for a sequence, the file number at available_start.
    """

    start: Time
    duration: Fraction
    head: Fraction
    tail: Fraction
    scalar: Fraction
    available_start: Time | None = None
    available: Time | None = None
    picture: int | None = None


def otio_source(used: Used, media: MediaInfo) -> SourceRange:
    """Frames of the media that a clip shows, without its retime. Raises InputError if they are ambiguous."""
    if used.scalar < 0:
        raise InputError(
            "It is reversed, and an OTIO file does not tell from which end it counts.",
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
        stop = media.frames  # less than a frame: rounding of the editor
    return SourceRange(first, stop, used.scalar, start - first, how="coordinate")


def begin_of(used: Used, media: MediaInfo) -> Fraction:
    """The frame of the media, from 0, at the in point of a clip. Raises InputError if it is ambiguous."""
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
    """A coordinate as a frame of the file. Programs count from its timecode or from 0; only one may fit."""
    fitting = {
        _snapped(coordinate - origin)
        for origin in (_timecode_start(media), 0)
        if _snapped(coordinate - origin) >= 0 and _snapped(coordinate - origin + length) <= media.frames
    }
    if not fitting:
        raise InputError(f"Its range is outside of {media.path}, which has {media.frames} frames.", _OTHER)
    if len(fitting) > 1:
        raise InputError(
            f"The list may count the frames of {media.path} from 0 or from its timecode.",
            "Export the list as an EDL instead.",
        )
    return fitting.pop()


def frame_rate(used: Used, media: MediaInfo) -> Fraction:
    """Frames of the media per second of the list: the media's rate, unless the editor conformed it to another.

    Raises InputError if it is ambiguous.
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
            f"{media.path} has {float(media.rate):.3f} frames per second, but {float(listed):.3f} by the list.",
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


Foreign: TypeAlias = Any
"""An object of OpenTimelineIO, which has no type hints."""

_DEEPEST = 200
_BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.DOTALL)
_OTHER_KINDS = {".otioz", ".otiod"}  # their media are inside, where no job can read them


@dataclass(frozen=True, slots=True)
class Placed:
    """A clip, or another child but gap and transition, of a video track. Times in seconds, exact.

    index: in the whole list, from 0. track, position: from 1. start: on the track. head, tail: how long it is seen
    beyond its in and out points, under a dissolve.
    """

    index: int
    track: int
    position: int
    item: Foreign
    start: Fraction
    duration: Fraction
    head: Fraction
    tail: Fraction
    track_enabled: bool


def library() -> Foreign:
    """The module OpenTimelineIO. Raises InputError if it is not installed."""
    try:
        return importlib.import_module("opentimelineio")
    except ImportError:
        raise InputError(
            "OpenTimelineIO is not installed.", f"{how_to_install('opentimelineio')} An EDL works without it."
        ) from None


def load_timeline(path: Path, content: bytes) -> Foreign:
    """The timeline of a file. Raises InputError if the file is not valid, or does not hold exactly one timeline."""
    otio = library()
    try:
        if path.suffix.lower() == ".otio":
            _check_depth(content)
            found = otio.core.deserialize_json_from_string(content.decode("utf-8-sig"))
        else:
            known = {f".{each.lower()}" for each in otio.adapters.suffixes_with_defined_adapters(read=True)}
            if path.suffix.lower() not in known - _OTHER_KINDS:
                raise InputError(
                    f"{path.name} has an unsupported format.", "Export the list as OTIO or EDL (CMX 3600)."
                )
            found = otio.adapters.read_from_file(str(path))
    except InputError:
        raise
    # Measured: ValueError, KeyError, OTIOError and its subclasses; adapters raise any error of their parsers.
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{path.name} is not a valid list ({reason}).", "Export it again.") from error
    if isinstance(found, otio.schema.SerializableCollection):
        timelines = [each for each in found if isinstance(each, otio.schema.Timeline)]
        if len(timelines) != 1:
            raise InputError(f"{path.name} holds {len(timelines)} timelines.", "Export one timeline alone.")
        found = timelines[0]
    if not isinstance(found, otio.schema.Timeline) or found.tracks is None:
        raise InputError(f"{path.name} holds no timeline.", "Export the timeline again as OTIO.")
    return found


def placed(timeline: Foreign) -> Iterator[Placed]:
    """All children of the video tracks but gaps and transitions. Raises InputError for an unsupported timeline."""
    otio = library()
    index = 0
    if timeline.tracks.source_range is not None:
        raise InputError("The timeline itself is trimmed.", "Export the whole timeline.")
    tracks = [
        each
        for each in timeline.tracks
        if isinstance(each, otio.schema.Track) and each.kind == otio.schema.TrackKind.Video
    ]
    for number, track in enumerate(tracks, start=1):
        if track.source_range is not None:
            raise InputError(f"Track {number} itself is trimmed.", "Export the whole timeline.")
        children = list(track)
        start, position = Fraction(0), 0
        for before, child, after in zip([None, *children], children, [*children[1:], None], strict=False):
            if isinstance(child, otio.schema.Transition):
                continue
            duration = _duration(otio, child)
            if not isinstance(child, otio.schema.Gap):
                position += 1
                head = _offset(otio, before, "in_offset")
                tail = _offset(otio, after, "out_offset")
                yield Placed(index, number, position, child, start, duration, head, tail, bool(track.enabled))
                index += 1
            start += duration


def time_of(time: Foreign) -> Time:
    """An exact RationalTime. Raises InputError if it is not valid."""
    try:
        return Time(Fraction(time.value), exact_rate(float(time.rate)))
    except (ValueError, OverflowError):
        raise InputError("The list holds an invalid time.", "Export it again.") from None


def _duration(otio: Foreign, child: Foreign) -> Fraction:
    try:
        return time_of(child.trimmed_range().duration).seconds
    except otio.exceptions.OTIOError as error:
        raise InputError(f"{child.name!r} has no length in the list.", "Export it again.") from error


def _offset(otio: Foreign, neighbour: Foreign, name: str) -> Fraction:
    return time_of(getattr(neighbour, name)).seconds if isinstance(neighbour, otio.schema.Transition) else Fraction(0)


def _check_depth(content: bytes) -> None:
    depth = 0
    for found in _BRACKETS.finditer(content):
        first = content[found.start()]
        if first in b"[{":
            depth += 1
            if depth > _DEEPEST:
                raise InputError("The list is nested too deeply.", "Export it again, without compound clips.")
        elif first in b"]}":
            depth -= 1
