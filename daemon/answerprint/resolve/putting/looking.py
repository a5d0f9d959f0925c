"""What of a job is really in the project, and where its place is now."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ...errors import InputError
from ...frames.sequence import SequencePattern
from ..api import Clip, Folder, Item, MediaPool, Project, Timeline
from ..errors import ResolveError
from .names import BIN, JOB, mark
from .place import Place

__all__ = ["Found", "clip_of", "item_by_id", "marked", "ours_on", "same_media", "the_project", "timeline_by_id"]

_BRACKET = re.compile(r"\[(\d+)-(\d+)\](?=[^\[\]]*$)")


@dataclass(frozen=True, slots=True)
class Found:
    """An item and the number of its video track."""

    item: Item
    track: int


def the_project(project: Project, place: Place) -> Project:
    """The open project, if the place is in it. Raises ResolveError for another one."""
    if place.project and project.id() != place.project:
        raise ResolveError(
            f"The clip {place.name} belongs to the project {place.project_name}; {project.name()} is open.",
            f"Open {place.project_name}, then use Bring Back Finished.",
        )
    return project


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


def marked(timeline: Timeline, job: str, track: int = 0) -> Found | None:
    """The item that bears the job's marker; `track` is where to look first."""
    return next((each for each in items(timeline, track) if each.item.marker_with(mark(job))), None)


def ours_on(timeline: Timeline, clip: str, track: int = 0) -> list[Found]:
    """Items made of the clip with that id."""
    return [each for each in items(timeline, track) if (made_of := each.item.clip()) and made_of.id() == clip]


def clip_of(pool: MediaPool, job: str, path: str) -> tuple[Clip, Folder] | None:
    """The clip of a job, with its bin: that says so itself in one of our bins, or that has the restored file."""
    for folder, ours in _walk(pool.root(), False):
        for clip in folder.clips():
            if (ours and clip.notes().get(JOB) == job) or same_media(clip.property("File Path"), path):
                return clip, folder
    return None


def _walk(folder: Folder, ours: bool) -> Iterator[tuple[Folder, bool]]:
    yield folder, ours
    for each in folder.folders():
        yield from _walk(each, ours or each.name() == BIN)


def same_media(file_path: str, path: str) -> bool:
    """Whether a File Path of Resolve's, such as `/d/p.[0001-0100].exr`, is the file or the pattern `/d/p.%04d.exr`."""
    if not file_path:
        return False
    if _plain(file_path) == _plain(path):
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
        return numbers[1] == numbers[2] and _plain(str(first)) == _plain(path)
    return pattern.number_of(first.name) is not None and _plain(str(first.parent)) == _plain(str(pattern.folder))


def _plain(path: str) -> str:
    return os.path.normcase(os.path.normpath(path))
