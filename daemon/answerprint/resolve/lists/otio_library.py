"""OpenTimelineIO, which some installations lack, and what of it must not be trusted.

Its JSON reader ends the process on deep nesting, and its own searches do on a timeline without tracks (measured with
0.18): both are looked at before it gets to see them.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeAlias

from ...errors import InputError
from ...optional import how_to_install
from .otio_frames import Time
from .rates import exact_rate

__all__ = ["Foreign", "Placed", "library", "load", "placed", "time_of"]

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
