"""What of a job is really in the project, and where its place is now."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ...errors import InputError
from ...frames.sequence import SequencePattern
from ..api import Item, Project, Timeline

__all__ = ["Found", "item_by_id", "items", "ours_on", "plain_path", "same_media", "timeline_by_id"]

_BRACKET = re.compile(r"\[(\d+)-(\d+)\](?=[^\[\]]*$)")


@dataclass(frozen=True, slots=True)
class Found:
    """An item and the number of its video track."""

    item: Item
    track: int


def timeline_by_id(project: Project, id_: str) -> Timeline | None:
    """The timeline with that id; None where it is gone."""
    return next((each for each in project.timelines() if each.id() == id_), None) if id_ else None


def items(timeline: Timeline, first: int = 0) -> Iterator[Found]:
    """All items on video tracks, those of track `first` before others."""
    tracks = range(1, timeline.tracks() + 1)
    for track in sorted(tracks, key=lambda track: track != first):
        for item in timeline.items(track):
            yield Found(item, track)


def item_by_id(timeline: Timeline, id_: str, track: int = 0) -> Found | None:
    """The item with that id; `track` is where to look first."""
    return next((each for each in items(timeline, track) if each.item.id() == id_), None) if id_ else None


def ours_on(timeline: Timeline, clip: str, track: int = 0) -> list[Found]:
    """Items made of the clip with that id."""
    return [each for each in items(timeline, track) if (made_of := each.item.clip()) and made_of.id() == clip]


def same_media(file_path: str, path: str) -> bool:
    """Whether a File Path of Resolve's, such as `/d/p.[0001-0100].exr`, is the file or the pattern `/d/p.%04d.exr`."""
    if not file_path:
        return False
    if plain_path(file_path) == plain_path(path):
        return True
    numbers = _BRACKET.search(file_path)
    if numbers is None:
        return False
    first = Path(_BRACKET.sub(r"\1", file_path))
    try:
        pattern = SequencePattern.parse(Path(path))
    except InputError:
        return False
    if pattern is None:
        return numbers[1] == numbers[2] and plain_path(str(first)) == plain_path(path)
    beside = plain_path(str(first.parent)) == plain_path(str(pattern.folder))
    return beside and pattern.number_of(first.name) is not None


def plain_path(path: str) -> str:
    """A path, written so that the same file gives the same text."""
    return os.path.normcase(os.path.normpath(path))
