"""What is said of a clip's fields before it is restored, and after."""

from __future__ import annotations

from answerprint.api.clip_ref import ClipRef
from answerprint.frames import Cadence, ClipInfo, FieldOrder
from answerprint.media.fields import FieldCount
from answerprint.text import counted

__all__ = ["field_note", "field_summary"]

_ORDERS = {
    FieldOrder.TOP_FIRST: "top field first",
    FieldOrder.BOTTOM_FIRST: "bottom field first",
    FieldOrder.PER_FRAME: "as its frames are flagged",
    FieldOrder.MIXED: "each frame by its own picture",
}
_FILM = {
    Cadence.MATCHED: "fields are put together to whole frames, of which each fifth or so repeats one. Give --telecine "
    "auto for the film's own frames.",
    Cadence.FILM: "fields are put together to whole frames, and repeated frames are left out: four of each five stay.",
}


def field_note(info: ClipInfo, clip: ClipRef) -> str:
    """What was found of the clip's fields and what is done with them, for the user; "" for plain frames.

    info: as `clip` interprets it.
    """
    asked = clip.fields
    if info.cadence in _FILM:
        return f"{info.fields_found}: {_FILM[info.cadence]}"
    film = clip.telecine and info.cadence is Cadence.FRAME
    none = "No 3:2 pulldown was found: no frames are left out." if film else ""
    if not info.interlaced and clip.deinterlace:
        none = f"{none} No interlaced frames were found: the number of frames stays.".strip()
    if not info.interlaced:
        found = f"{info.fields_found}: restored as they are." if info.fields_found and asked is None else ""
        return f"{found} {none}".strip()
    found = info.fields_found if asked is None else f"Interlaced, as asked, {_ORDERS[asked]}"
    which = "each combed frame is" if info.field_order is FieldOrder.MIXED else "all frames are"
    rate = f"field rate, {info.rate} frames per second" if info.cadence is Cadence.FIELD else "frame rate"
    return f"{found or 'Interlaced'}: {which} deinterlaced at {rate} (bwdif). {none}".strip()


def field_summary(info: ClipInfo, count: FieldCount) -> str:
    """How many of the frames that were read were found combed; "" if there is nothing to say of it."""
    if not count.combed:
        return ""
    found = f"{counted(len(count.combed), 'frame')} of {count.seen} that were read {_was(len(count.combed))} combed"
    if info.interlaced:
        return f"{found}."
    return f"{found}, from {count.combed[0]} on, and restored as they are: --fields per-frame deinterlaces them."


def _was(number: int) -> str:
    return "was" if number == 1 else "were"
