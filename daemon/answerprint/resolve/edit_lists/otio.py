"""OpenTimelineIO, which some installations lack, and what of it must not be trusted.

Its JSON reader ends the process on deep nesting, and its own searches do on a timeline without tracks (measured with
0.18): both are looked at before it gets to see them.

From times of an OTIO file to frames of the media: where its coordinate begins, and what a clip shows.
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
    "load",
    "otio_source",
    "placed",
    "time_of",
]

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


def otio_source(used: Used, media: MediaInfo) -> SourceRange:
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


Foreign: TypeAlias = Any
"""An object of OpenTimelineIO, which comes without types."""

_DEEPEST = 200
_BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.DOTALL)
_OTHER_KINDS = {".otioz", ".otiod"}  # their media lie inside, where no job reads them


@dataclass(frozen=True, slots=True)
class Placed:
    """A clip, or what stands where one could, on a video track. Times in seconds, exact.

    index: among all of the list, from 0. track, position: from 1. start: on the track. head, tail: for how long it is
    seen beyond its cuts, under a dissolve.
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
    """OpenTimelineIO. Raises InputError where it is not installed."""
    try:
        return importlib.import_module("opentimelineio")
    except ImportError:
        raise InputError(
            "OpenTimelineIO is not installed.", f"{how_to_install('opentimelineio')} An EDL needs none of it."
        ) from None


def load(path: Path, content: bytes) -> Foreign:
    """The timeline of a file. Raises InputError when there is not exactly one, or it cannot be read."""
    otio = library()
    try:
        if path.suffix.lower() == ".otio":
            _check_depth(content)
            found = otio.core.deserialize_json_from_string(content.decode("utf-8-sig"))
        else:
            known = {f".{each.lower()}" for each in otio.adapters.suffixes_with_defined_adapters(read=True)}
            if path.suffix.lower() not in known - _OTHER_KINDS:
                raise InputError(
                    f"{path.name} is a list of a kind that cannot be read here.", "Export it as OTIO or EDL (CMX 3600)."
                )
            found = otio.adapters.read_from_file(str(path))
    except InputError:
        raise
    # Measured: ValueError, KeyError, OTIOError and its subclasses; adapters raise whatever their parsers do.
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{path.name} cannot be read as a timeline ({reason}).", "Export it again.") from error
    if isinstance(found, otio.schema.SerializableCollection):
        timelines = [each for each in found if isinstance(each, otio.schema.Timeline)]
        if len(timelines) != 1:
            raise InputError(f"{path.name} holds {len(timelines)} timelines.", "Export the one that is meant alone.")
        found = timelines[0]
    if not isinstance(found, otio.schema.Timeline) or found.tracks is None:
        raise InputError(f"{path.name} holds no timeline.", "Export the timeline again as OTIO.")
    return found


def placed(timeline: Foreign) -> Iterator[Placed]:
    """All on the video tracks but gaps and transitions. Raises InputError for a timeline that cannot be followed."""
    otio = library()
    index = 0
    if timeline.tracks.source_range is not None:
        raise InputError("The timeline is trimmed as a whole.", "Export the whole timeline.")
    tracks = [
        each
        for each in timeline.tracks
        if isinstance(each, otio.schema.Track) and each.kind == otio.schema.TrackKind.Video
    ]
    for number, track in enumerate(tracks, start=1):
        if track.source_range is not None:
            raise InputError(f"Track {number} is trimmed as a whole.", "Export the whole timeline.")
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
    """A RationalTime, exactly. Raises InputError for one that is no time."""
    try:
        return Time(Fraction(time.value), exact_rate(float(time.rate)))
    except (ValueError, OverflowError):
        raise InputError("The list holds a time that is none.", "Export it again.") from None


def _duration(otio: Foreign, child: Foreign) -> Fraction:
    try:
        return time_of(child.trimmed_range().duration).seconds
    except otio.exceptions.OTIOError as error:
        raise InputError(f"The list does not say how long {child.name!r} is.", "Export it again.") from error


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
