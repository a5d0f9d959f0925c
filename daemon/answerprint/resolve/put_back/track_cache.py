"""The video tracks of a timeline and what lies on them, read once for all jobs of a session.

What of a job is really in the project, and where its place is now.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from answerprint.errors import InputError
from answerprint.frames.sequence import SequencePattern
from answerprint.resolve.api import MediaPoolItem, Project, Timeline, TimelineItem
from answerprint.resolve.conform.readback import timeline_rate
from answerprint.resolve.put_back.placement import TRACK, mark, marked_jobs, note

__all__ = [
    "Found",
    "RecordSpan",
    "TrackCache",
    "TrackItems",
    "item_by_id",
    "items",
    "ours_on",
    "plain_path",
    "same_media",
    "timeline_by_id",
]

_BRACKET = re.compile(r"\[(\d+)-(\d+)\](?=[^\[\]]*$)")


@dataclass(frozen=True, slots=True)
class Found:
    """An item and the number of its video track."""

    item: TimelineItem
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


@dataclass(frozen=True, slots=True)
class RecordSpan:
    """Record frames of an item, stop exclusive. item: None for one that was laid by us since the track was read."""

    start: float
    stop: float
    item: TimelineItem | None = None


@dataclass(eq=False, slots=True)
class TrackItems:
    """A video track. ours: it has our name, and nothing but restored clips on it."""

    ours: bool
    locked: bool
    spans: list[RecordSpan] = field(default_factory=list)

    def over(self, first: float, stop: float) -> list[RecordSpan]:
        """What lies over record frames first to stop (exclusive)."""
        return [span for span in self.spans if span.start < stop and span.stop > first]


class TrackCache:
    """An item is asked again before it is given out; where it is gone by now, all are read again.

    What changes tracks has to say so here. Another who changes them meanwhile is noticed when an item is laid: then
    `forget` them, and choose again.
    """

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self._rate: Fraction | None = None
        self.forget()

    def forget(self) -> None:
        """Read all again when it is needed."""
        self.fresh = True
        """Whether nothing of it was read before the clip at hand."""
        self._count = 0
        self._lanes: dict[int, TrackItems] = {}
        self._items: dict[str, Found] = {}
        self._read: set[int] = set()
        self._marked: dict[str, Found] | None = None

    def begin(self) -> None:
        """Another clip's turn."""
        self.fresh = not (self._lanes or self._read)

    @property
    def rate(self) -> Fraction:
        """Of the timeline, exact. Raises as `timeline_rate`."""
        if self._rate is None:
            self._rate = timeline_rate(self.timeline)
        return self._rate

    @property
    def count(self) -> int:
        """How many video tracks there are."""
        if not self._count:
            self._count = self.timeline.tracks()
        return self._count

    # Items

    def item(self, id_: str, track: int = 0) -> Found | None:
        """The item with that id, and the track that it is on now; `track` is where to look first."""
        if not id_:
            return None
        known = self._items.get(id_)
        if known is not None:
            if (found := _now(known, id_)) is not None:
                self._items[id_] = found
                return found
            self.forget()
        return self._look(id_, track)

    def marked(self, job: str, item: str = "", track: int = 0, record: int = 0) -> Found | None:
        """The item that bears a job's marker; item, track and record are where it was last."""
        data = mark(job)
        if (found := self.item(item, track)) is not None and found.item.marker_with(data):
            return found
        if 0 < track <= self.count:
            for span in self.lane(track).over(record, record + 1):
                if span.item is not None and span.start == record and span.item.marker_with(data):
                    return Found(span.item, track)
        if self._marked is None:
            self._marked = {}
            for each in items(self.timeline, track):
                for each_job in marked_jobs(each.item):
                    self._marked.setdefault(mark(each_job), each)
        found = self._marked.get(data)
        return found if found is not None and found.item.marker_with(data) else None

    def _look(self, id_: str, first: int) -> Found | None:
        for track in sorted(range(1, self.count + 1), key=lambda track: track != first):
            if track not in self._read:
                for item in self.timeline.items(track):
                    self._items[item.id()] = Found(item, track)
                self._read.add(track)
                if id_ in self._items:
                    return self._items[id_]
        return None

    # Tracks

    def lane(self, track: int) -> TrackItems:
        """What lies on a track."""
        if track not in self._lanes:
            there = self.timeline.items(track)
            named = self.timeline.track_name(track) == TRACK
            ours = named and all(_is_ours(item) for item in there)
            spans = [RecordSpan(start, stop, item) for item, start, stop in _extents(there)]
            self._lanes[track] = TrackItems(ours, self.timeline.track_locked(track) if ours else False, spans)
        return self._lanes[track]

    def inserted(self, track: int) -> None:
        """A track of ours was made there; those above it are one higher now."""
        self._lanes = {number + (number >= track): lane for number, lane in self._lanes.items()}
        self._lanes[track] = TrackItems(ours=True, locked=False)
        self._read = {number + (number >= track) for number in self._read} | {track}
        self._items = {
            id_: Found(found.item, found.track + (found.track >= track)) for id_, found in self._items.items()
        }
        self._marked = None
        self._count = 0

    def laid(self, job: str, item: TimelineItem, id_: str, track: int, start: int, duration: int) -> None:
        """A marked item of ours lies there now."""
        found = Found(item, track)
        self._items[id_] = found
        if track in self._lanes:
            self._lanes[track].spans.append(RecordSpan(start, start + duration))
        if self._marked is not None:
            self._marked[mark(job)] = found


def _now(known: Found, id_: str) -> Found | None:
    """Where an item is now; None where it is on no track any more."""
    if not known.item.offers("GetTrackTypeAndIndex"):
        return known if known.item.id() == id_ else None
    where = known.item.track()
    return Found(known.item, where[1]) if where is not None and where[0] == "video" else None


def _extents(there: list[TimelineItem]) -> Iterator[tuple[TimelineItem, float, float]]:
    for item in there:
        start, stop = item.start(), item.end()
        if start is not None and stop is not None:
            yield item, start, stop


def _is_ours(item: TimelineItem) -> bool:
    clip: MediaPoolItem | None = item.clip()
    return clip is not None and bool(note(clip))
