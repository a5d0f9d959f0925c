"""From labels of an EDL to frames: of the record side, and of the file that a shot shows.

An EDL as entries.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

from answerprint.api.types import MediaInfo
from answerprint.errors import InputError
from answerprint.frames.timecode import Timecode
from answerprint.resolve.conform.facts import SourceRange
from answerprint.resolve.edit_lists.edl import Shot, decoded, parse_edl, shots
from answerprint.resolve.edit_lists.media_search import Looking, within
from answerprint.resolve.edit_lists.model import EditList, ListEntry, exact_rate

__all__ = ["EdlRecord", "edl_source", "frames_of", "index_of", "read_edl", "record_of", "start_of"]

_LAST = re.compile(r"[:;.,](\d+)$")
_REMEDY = "Export the list again, as OTIO where the editor offers it."


@dataclass(frozen=True, slots=True)
class EdlRecord:
    """Record frames of a shot; listed: without what goes on under a dissolve."""

    first: int
    listed: int
    tail: int

    @property
    def duration(self) -> int:
        """All of them."""
        return self.listed + self.tail


def record_of(shot: Shot, rate: Fraction) -> EdlRecord:
    """Where a shot stands on the timeline. Raises InputError."""
    event = shot.event
    drop = bool(event.drop) or ";" in event.record_in
    first, stop = (frames_of(label, rate, drop) for label in (event.record_in, event.record_out))
    if stop < first:
        raise InputError(f"It ends ({event.record_out}) before it begins ({event.record_in}).", _REMEDY)
    return EdlRecord(first, stop - first, shot.tail)


def edl_source(shot: Shot, record: EdlRecord, rate: Fraction, media: MediaInfo) -> SourceRange:
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


def _backwards(first: int, stop: int, speed: Fraction, record: EdlRecord) -> SourceRange:
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


_BLACK_REMEDY = "Nothing has to be restored here."


def read_edl(path: Path, content: bytes, rate: Fraction | None, looking: Looking) -> EditList:
    """Read an EDL. Raises InputError when it is none, or neither it nor the caller says its rate."""
    text = parse_edl(decoded(content)[0])
    if rate is None and text.rate:
        rate = exact_rate(text.rate)
    drop = any(each.drop or ";" in each.record_in for each in text.events)
    if rate is None:
        raise InputError(
            "An EDL does not say how many frames a second has.",
            "Name the timeline's rate: --rate 29.97 or 59.94, since it is drop-frame."
            if drop
            else "Name the timeline's rate, such as --rate 24, 23.976 or 25.",
        )
    found = [_entry(each, rate, looking) for each in shots(text.events)]
    without = sum(not each.has_picture for each in text.events)
    name = text.title or path.stem
    return EditList(path, "edl", name, rate, drop, tuple(each for each in found if each is not None), content, without)


def _entry(shot: Shot, rate: Fraction, looking: Looking) -> ListEntry | None:
    """The entry of a shot; None for black that is never seen, as at the beginning of a fade."""
    event = shot.event
    entry = ListEntry(event.number, shot.name or event.reel, side=shot.side, reel=event.reel, line=event.line)
    try:
        if shot.problem:
            raise InputError(shot.problem, "Restore the clip in Resolve, or export the list again.")
        record = record_of(shot, rate)
        entry = replace(entry, record=record.first, duration=record.duration)
        if shot.black:
            if not record.listed:
                return None
            raise InputError("It is black.", _BLACK_REMEDY)
        if not record.duration:
            raise InputError("It lasts no frame.", _BLACK_REMEDY)
    except InputError as error:
        return replace(entry, refusal=error.message, remedy=error.remedy)
    try:
        path, media = looking.find(shot.texts, rate)
    except InputError as error:
        return replace(entry, refusal=error.message, remedy=error.remedy, missing=True)
    try:
        source = within(edl_source(shot, record, rate, media), media, path)
    except InputError as error:
        return replace(entry, refusal=error.message, remedy=error.remedy)
    return replace(entry, path=path, media=media, source=source)
