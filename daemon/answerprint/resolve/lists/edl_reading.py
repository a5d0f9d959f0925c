"""An EDL as entries."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from ...errors import InputError
from .edl import decoded, parse_edl
from .edl_frames import record_of, source_of
from .entries import EditList, ListEntry
from .events import Shot, shots
from .looking import Looking, within
from .rates import exact_rate

__all__ = ["read_edl"]

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
        source = within(source_of(shot, record, rate, media), media, path)
    except InputError as error:
        return replace(entry, refusal=error.message, remedy=error.remedy)
    return replace(entry, path=path, media=media, source=source)
