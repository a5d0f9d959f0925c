"""How what is ours is told apart in a project: names and keys; each is part of what older versions left behind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..api import Clip, Item

__all__ = [
    "BIN",
    "ITEM",
    "JOB",
    "MODEL",
    "PLACE",
    "SOURCE",
    "TIMELINE",
    "TRACK",
    "VERSION",
    "mark",
    "marked_jobs",
    "note",
    "ours_of",
]

BIN = "Restored"
"""The bin that holds one more for each timeline."""
TRACK = "Restored"
"""Video tracks of ours."""

JOB = "Answerprint.Job"
SOURCE = "Answerprint.Source"
MODEL = "Answerprint.Model"
VERSION = "Answerprint.Version"
ITEM = "Answerprint.Item"
TIMELINE = "Answerprint.Timeline"
PLACE = "Answerprint.Place"

_KEYS = frozenset({JOB, SOURCE, MODEL, VERSION, ITEM, TIMELINE, PLACE})
_MARK = "answerprint:"


def mark(job: str) -> str:
    """The data of the marker on an item of ours."""
    return f"{_MARK}{job}"


def marked_jobs(item: Item) -> Iterator[str]:
    """The jobs that an item's markers name: one for an item of ours, none for any other."""
    for marker in item.markers().values():
        data = marker.get("customData") if isinstance(marker, Mapping) else None
        if isinstance(data, str) and data.startswith(_MARK) and data != _MARK:
            yield data.removeprefix(_MARK)


def ours_of(notes: Mapping[str, str]) -> dict[str, str]:
    """What we keep with a clip, of all that programs keep with it; {} for a clip that is not ours."""
    return {name: text for name, text in notes.items() if name in _KEYS} if notes.get(JOB) else {}


def note(clip: Clip) -> str:
    """The job of a clip of ours, "" for any other."""
    return clip.notes().get(JOB, "")
