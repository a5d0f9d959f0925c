"""Where a restored clip belongs: it travels with the job, so that any later session can bring the clip back.

How what is ours is told apart in a project: names and keys; each is part of what older versions left behind.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal, get_args

from answerprint.errors import InputError
from answerprint.resolve.api import MediaPoolItem, TimelineItem

__all__ = [
    "BIN",
    "ITEM",
    "JOB",
    "MODEL",
    "MODES",
    "PLACE",
    "SOURCE",
    "TIMELINE",
    "TRACK",
    "VERSION",
    "Mode",
    "Placement",
    "mark",
    "marked_jobs",
    "note",
    "ours_of",
]

Mode = Literal["pool", "track", "take", "replace"]
MODES: tuple[Mode, ...] = get_args(Mode)

_VERSION = "1"


@dataclass(frozen=True, slots=True)
class Placement:
    """A place on a timeline, or only in the pool where `item` is "". Ids are Resolve's unique ones.

    record, duration: frames of the timeline. track: video track, from 1. first, stop: source frames that the item
    shows; restored_first, restored_stop: those that the restored file has, handles included; all count from 0 of the
    source file. offset, speed: as in SourceRange. rate: of the source. attributes: clip attributes to carry over, as
    Resolve names them. metadata: likewise. left: what Resolve said of the item's left offset, in its own frames; None
    where that was not kept. skip: record frames of the item before the place, where that is only a part of it; None for
    all of the item.
    """

    mode: Mode
    project: str
    project_name: str
    timeline: str
    timeline_name: str
    item: str
    clip: str
    name: str
    first: int
    stop: int
    restored_first: int
    restored_stop: int
    rate: Fraction
    record: int = 0
    duration: int = 0
    track: int = 0
    offset: Fraction = Fraction(0)
    speed: Fraction = Fraction(1)
    attributes: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    left: Fraction | None = None
    skip: int | None = None

    def to_editor(self) -> dict[str, str]:
        """As the map that a job carries for its editor."""
        return {
            "answerprint_place": _VERSION,
            **{name: getattr(self, name) for name in _TEXTS},
            **{name: str(getattr(self, name)) for name in (*_NUMBERS, *_RATIONALS)},
            **{name: json.dumps(dict(getattr(self, name)), sort_keys=True) for name in _TABLES},
            **({} if self.left is None else {"left": str(self.left)}),
            **({} if self.skip is None else {"skip": str(self.skip)}),
        }

    @classmethod
    def from_editor(cls, editor: Mapping[str, str]) -> Placement | None:
        """Read `to_editor`'s form; None where a job belongs to no place. Raises InputError for a newer form."""
        version = editor.get("answerprint_place")
        if version is None:
            return None
        if version != _VERSION:
            raise InputError("The job was made by a newer Answerprint.", "Bring the installed one up to date.")
        try:
            values: dict[str, object] = {name: editor[name] for name in _TEXTS}
            values |= {name: int(editor[name]) for name in _NUMBERS}
            values |= {name: Fraction(editor[name]) for name in _RATIONALS}
            values |= {name: json.loads(editor[name]) for name in _TABLES}
            values["left"] = Fraction(editor["left"]) if "left" in editor else None
            values["skip"] = int(editor["skip"]) if "skip" in editor else None
        except (KeyError, ValueError, ZeroDivisionError) as error:
            raise InputError(f"What the job says of its place cannot be read ({error}).") from error
        return cls(**values)  # type: ignore[arg-type]


_TEXTS = ("mode", "project", "project_name", "timeline", "timeline_name", "item", "clip", "name")
_NUMBERS = ("first", "stop", "restored_first", "restored_stop", "record", "duration", "track")
_RATIONALS = ("rate", "offset", "speed")
_TABLES = ("attributes", "metadata")


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


def marked_jobs(item: TimelineItem) -> Iterator[str]:
    """The jobs that an item's markers name: one for an item of ours, none for any other."""
    for marker in item.markers().values():
        data = marker.get("customData") if isinstance(marker, Mapping) else None
        if isinstance(data, str) and data.startswith(_MARK) and data != _MARK:
            yield data.removeprefix(_MARK)


def ours_of(notes: Mapping[str, str]) -> dict[str, str]:
    """What we keep with a clip, of all that programs keep with it; {} for a clip that is not ours."""
    return {name: text for name, text in notes.items() if name in _KEYS} if notes.get(JOB) else {}


def note(clip: MediaPoolItem) -> str:
    """The job of a clip of ours, "" for any other."""
    return clip.notes().get(JOB, "")
