"""Where a restored clip belongs, and the names and keys by which Answerprint finds its own work in a project.

A placement travels with its job, so any later session can put the clip back. Names and keys never change: projects
hold those of older versions.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from answerprint.errors import InputError
from answerprint.resolve.api import MediaPoolItem, TimelineItem

__all__ = [
    "BIN_NAME",
    "ITEM",
    "JOB",
    "MODEL",
    "PLACE",
    "SOURCE",
    "TIMELINE",
    "TRACK_NAME",
    "VERSION",
    "Placement",
    "marked_jobs",
    "marker_data",
    "own_metadata",
    "restoring_job",
]

_VERSION = "1"


@dataclass(frozen=True, slots=True)
class Placement:
    """A place on a timeline, or only in the media pool if `item` is "". Ids are Resolve's unique ones.

    mode: name of a `PutBackMode`. record, duration: frames of the timeline. track: video track, from 1. first, stop:
    source frames that the item shows; restored_first, restored_stop: source frames in the restored file, with handles;
    all count from 0, stops are exclusive. offset, speed: as in SourceRange. rate: frames per second of the source.
    attributes: clip attributes to copy, by Resolve's names. metadata: likewise. left: the item's left offset as
    Resolve gave it, in its own frames; None if it was not kept. skip: record frames of the item before the place, if
    the place is only a part of the item; None for all of it.
    """

    mode: str
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
        """Return the map that a job carries for its editor."""
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
        """Read `to_editor`'s form; None if the job has no place. Raises InputError for a newer or a damaged form."""
        version = editor.get("answerprint_place")
        if version is None:
            return None
        if version != _VERSION:
            raise InputError("A newer Answerprint made this job.", "Update the installed one.")
        try:
            values: dict[str, object] = {name: editor[name] for name in _TEXTS}
            values |= {name: int(editor[name]) for name in _NUMBERS}
            values |= {name: Fraction(editor[name]) for name in _RATIONALS}
            values |= {name: json.loads(editor[name]) for name in _TABLES}
            values["left"] = Fraction(editor["left"]) if "left" in editor else None
            values["skip"] = int(editor["skip"]) if "skip" in editor else None
        except (KeyError, ValueError, ZeroDivisionError) as error:
            raise InputError(f"The job's place on the timeline cannot be read ({error}).") from error
        return cls(**values)  # type: ignore[arg-type]


_TEXTS = ("mode", "project", "project_name", "timeline", "timeline_name", "item", "clip", "name")
_NUMBERS = ("first", "stop", "restored_first", "restored_stop", "record", "duration", "track")
_RATIONALS = ("rate", "offset", "speed")
_TABLES = ("attributes", "metadata")


BIN_NAME = "Restored"
"""Of the bin that holds a bin for each timeline."""
TRACK_NAME = "Restored"
"""Of video tracks that Answerprint adds."""

JOB = "Answerprint.Job"
SOURCE = "Answerprint.Source"
MODEL = "Answerprint.Model"
VERSION = "Answerprint.Version"
ITEM = "Answerprint.Item"
TIMELINE = "Answerprint.Timeline"
PLACE = "Answerprint.Place"

_KEYS = frozenset({JOB, SOURCE, MODEL, VERSION, ITEM, TIMELINE, PLACE})
_MARK = "answerprint:"


def marker_data(job: str) -> str:
    """Custom data of the marker on an item that we added."""
    return f"{_MARK}{job}"


def marked_jobs(item: TimelineItem) -> Iterator[str]:
    """Jobs in the markers of an item: one for an item that we added, none for any other."""
    for marker in item.markers().values():
        data = marker.get("customData") if isinstance(marker, Mapping) else None
        if isinstance(data, str) and data.startswith(_MARK) and data != _MARK:
            yield data.removeprefix(_MARK)


def own_metadata(notes: Mapping[str, str]) -> dict[str, str]:
    """Answerprint's part of a clip's third-party metadata; {} for a clip that we did not restore."""
    return {name: text for name, text in notes.items() if name in _KEYS} if notes.get(JOB) else {}


def restoring_job(clip: MediaPoolItem) -> str:
    """The job that restored a clip, "" for any other clip."""
    return clip.notes().get(JOB, "")
