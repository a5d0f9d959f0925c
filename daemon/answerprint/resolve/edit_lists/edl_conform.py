"""Conform an EDL: from its timecodes to record frames, and to frames of files."""

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
from answerprint.resolve.edit_lists.edl import EdlText, Shot, decoded, parse_edl, shots
from answerprint.resolve.edit_lists.media_search import MediaSearch, within
from answerprint.resolve.edit_lists.model import EditList, ListEntry, exact_rate

__all__ = ["EdlRecord", "edl_source", "frames_of", "index_of", "read_edl", "record_of", "start_of"]

_LAST = re.compile(r"[:;.,](\d+)$")
_REMEDY = "Export the list again, as OTIO where the editor offers it."


@dataclass(frozen=True, slots=True)
class EdlRecord:
    """Record frames of a shot. listed: by its in and out points. tail: what goes on under a dissolve."""

    first: int
    listed: int
    tail: int

    @property
    def duration(self) -> int:
        """All record frames."""
        return self.listed + self.tail


def record_of(shot: Shot, rate: Fraction, begins: int = 0) -> EdlRecord:
    """Where a shot is on the timeline. Raises InputError.

    begins: frame count of the list's first record in; labels that are half a day smaller follow midnight.
    """
    event = shot.event
    drop = bool(event.drop) or ";" in event.record_in
    first, stop = (frames_of(label, rate, drop) for label in (event.record_in, event.record_out))
    day = Timecode(0, rate, drop).day
    first += day if first + day // 2 < begins else 0
    stop += day if stop + day // 2 < first else 0
    if stop < first:
        raise InputError(f"Record out ({event.record_out}) is before record in ({event.record_in}).", _REMEDY)
    return EdlRecord(first, stop - first, shot.tail)


def edl_source(shot: Shot, record: EdlRecord, rate: Fraction, media: MediaInfo) -> SourceRange:
    """Frames of the media that a shot shows, without its retime. Raises InputError if list and media contradict."""
    if media.rate != rate and not media.rate_is_assumed:
        raise InputError(
            f"{media.path} has {_shown(media.rate)} frames per second, the list {_shown(rate)}: an EDL does not tell"
            " which of them its source timecode uses.",
            "Correct the list's rate with --rate, or export the list as OTIO.",
        )
    event = shot.event
    first, stop = (index_of(label, rate, media) for label in (event.source_in, event.source_out))
    if stop < first and shot.motion is None:
        raise InputError(f"Source out ({event.source_out}) is before source in ({event.source_in}).", _REMEDY)
    speed = _speed(shot, rate, abs(stop - first), record.listed)
    if speed < 0 or stop < first:
        return _backwards(first, stop, speed, record)
    if not speed:
        return SourceRange(first, first + 1, speed, how="timecode")
    # A list gives the source frames or, wrongly, the number of record frames: this range holds both.
    used = stop - first
    needed = max(used, math.ceil(record.listed * speed))
    needed = min(needed, max(used, media.frames - first))  # rounding up may go past the end
    return SourceRange(first, first + needed + math.ceil(record.tail * speed), speed, how="timecode")


def _backwards(first: int, stop: int, speed: Fraction, record: EdlRecord) -> SourceRange:
    """Programs differ in the end from which a reversed source counts: this range holds both ends and a spare frame."""
    if record.tail:
        raise InputError("A reversed clip under a dissolve is not supported.", "Restore the clip in Resolve.")
    if first == stop:
        raise InputError("It is reversed, and the list does not give its length.", "Restore the clip in Resolve.")
    low, high = min(first, stop), max(first, stop)
    return SourceRange(low, high + (stop < first), speed if speed < 0 else -speed, how="timecode")


def _speed(shot: Shot, rate: Fraction, used: int, seen: int) -> Fraction:
    """Source frames per record frame. Raises InputError if the list contradicts itself."""
    if shot.motion is None:
        if used != seen:
            raise InputError(
                f"{used} source frames fill {seen} record frames, and no M2 line gives the speed.",
                _REMEDY,
            )
        return Fraction(1)
    written = Fraction(shot.motion.rate)
    base = Fraction(round(rate))
    if not written:
        return Fraction(0)
    # M2 is rounded to a tenth, and counts in 24 or in 23.976. If the two lengths agree with it, they are exact.
    readings = (written / rate, written / base)
    if seen and used:
        exact = Fraction(used, seen) * (1 if written > 0 else -1)
        slack = Fraction(1, 20) / base + Fraction(1, seen)
        if any(abs(exact - each) <= slack for each in readings):
            return exact
        if used != seen:
            raise InputError(
                f"{used} source frames fill {seen} record frames, but M2 gives {shot.motion.rate} frames per second.",
                _REMEDY,
            )
    return readings[1]


def index_of(label: str, rate: Fraction, media: MediaInfo) -> int:
    """The frame of the media with this timecode. Raises InputError if the media cannot have it."""
    start, drop = start_of(media, rate)
    if not media.start_timecode:
        drop = ";" in label
    elif ";" in label and not drop:
        raise InputError(
            f"{label} in the list is drop-frame, the timecode of {media.path} is not.",
            "Use the file that was edited: this one differs, or its timecode was changed.",
        )
    index = frames_of(label, rate, drop) - start
    if index < 0:
        past_midnight = index + Timecode(0, rate, drop).day
        if past_midnight <= media.frames:
            return past_midnight
    return index


def start_of(media: MediaInfo, rate: Fraction) -> tuple[int, bool]:
    """Timecode of frame 0 as a frame count, and whether it is drop-frame.

    Without timecode, movies count from 0 and sequences from their first number, as in Resolve.
    """
    if media.start_timecode:
        drop = ";" in media.start_timecode
        return frames_of(media.start_timecode, rate, drop), drop
    return media.start_number if media.sequence else 0, False


@lru_cache(maxsize=4096)  # an event begins where the one before it ends, and all events of a file use its start
def frames_of(label: str, rate: Fraction, drop: bool) -> int:
    """A timecode as a frame count, with any separators. Raises InputError if it does not exist."""
    return Timecode.parse(_LAST.sub(r";\1" if drop else r":\1", label), rate).frames


def _shown(rate: Fraction) -> str:
    return str(rate) if rate.denominator == 1 else f"{float(rate):.3f}"


_NOTHING_TO_DO = "Nothing to restore here."


def read_edl(path: Path, content: bytes, rate: Fraction | None, search: MediaSearch) -> EditList:
    """Read an EDL. Raises InputError if it is none, or if neither it nor the caller gives its rate."""
    text = parse_edl(decoded(content)[0])
    if rate is None and text.rate:
        rate = exact_rate(text.rate)
    drop = any(each.drop or ";" in each.record_in for each in text.events)
    if rate is None:
        raise InputError(
            "An EDL does not contain the timeline's frame rate.",
            "It is drop-frame: give --rate 29.97 or --rate 59.94."
            if drop
            else "Give it, such as --rate 24, --rate 23.976 or --rate 25.",
        )
    begins = _first_record(text, rate)
    found = [_entry(each, rate, search, begins) for each in shots(text.events)]
    without = sum(not each.has_picture for each in text.events)
    name = text.title or path.stem
    return EditList(path, "edl", name, rate, drop, tuple(each for each in found if each is not None), content, without)


def _first_record(text: EdlText, rate: Fraction) -> int:
    """Frame count at which the first valid event begins; 0 if its label does not exist at the rate."""
    first = next(each for each in text.events if not each.problem)
    try:
        return frames_of(first.record_in, rate, bool(first.drop) or ";" in first.record_in)
    except InputError:
        return 0  # the event says so itself


def _entry(shot: Shot, rate: Fraction, search: MediaSearch, begins: int) -> ListEntry | None:
    """The entry of a shot; None for black of no length, as at the start of a fade."""
    event = shot.event
    entry = ListEntry(event.number, shot.name or event.reel, side=shot.side, reel=event.reel, line=event.line)
    try:
        if shot.problem:
            raise InputError(shot.problem, "Restore the clip in Resolve, or export the list again.")
        record = record_of(shot, rate, begins)
        entry = replace(entry, record=record.first, duration=record.duration)
        if shot.black:
            if not record.listed:
                return None
            raise InputError("It is black.", _NOTHING_TO_DO)
        if not record.duration:
            raise InputError("Its length is 0 frames.", _NOTHING_TO_DO)
    except InputError as error:
        return replace(entry, refusal=error.message, remedy=error.remedy)
    try:
        path, media = search.find(shot.texts, rate)
    except InputError as error:
        return replace(entry, refusal=error.message, remedy=error.remedy, missing=True)
    try:
        source = within(edl_source(shot, record, rate, media), media, path)
    except InputError as error:
        return replace(entry, refusal=error.message, remedy=error.remedy)
    return replace(entry, path=path, media=media, source=source)
