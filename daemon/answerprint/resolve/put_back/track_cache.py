"""The video tracks of a timeline and their items, read once per session; and how to find the items of a job."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction

from answerprint.resolve.api import MediaPoolItem, Project, Timeline, TimelineItem
from answerprint.resolve.conform.readback import timeline_rate
from answerprint.resolve.put_back.placement import TRACK_NAME, marked_jobs, marker_data, restoring_job

__all__ = [
    "Found",
    "RecordSpan",
    "TrackCache",
    "TrackItems",
    "item_by_id",
    "items",
    "ours_on",
    "timeline_by_id",
]


@dataclass(frozen=True, slots=True)
class Found:
    """An item and the number of its video track."""

    item: TimelineItem
    track: int


def timeline_by_id(project: Project, id_: str) -> Timeline | None:
    """The timeline with that id; None if it is gone."""
    return next((each for each in project.timelines() if each.id() == id_), None) if id_ else None


def items(timeline: Timeline, first: int = 0) -> Iterator[Found]:
    """All items on video tracks, those on track `first` before the others."""
    tracks = range(1, timeline.tracks() + 1)
    for track in sorted(tracks, key=lambda track: track != first):
        for item in timeline.items(track):
            yield Found(item, track)


def item_by_id(timeline: Timeline, id_: str, track: int = 0) -> Found | None:
    """The item with that id; `track` is where to look first."""
    return next((each for each in items(timeline, track) if each.item.id() == id_), None) if id_ else None


def ours_on(timeline: Timeline, clip: str, track: int = 0) -> list[Found]:
    """Items made from the clip with that id."""
    return [each for each in items(timeline, track) if (made_of := each.item.clip()) and made_of.id() == clip]


@dataclass(frozen=True, slots=True)
class RecordSpan:
    """Record frames of an item, stop exclusive. item: None for one that we appended since the track was read."""

    start: float
    stop: float
    item: TimelineItem | None = None


@dataclass(eq=False, slots=True)
class TrackItems:
    """A video track. ours: it has our name, and only restored clips are on it."""

    ours: bool
    locked: bool
    spans: list[RecordSpan] = field(default_factory=list)

    def over(self, first: float, stop: float) -> list[RecordSpan]:
        """Items over record frames first to stop (exclusive)."""
        return [span for span in self.spans if span.start < stop and span.stop > first]


class TrackCache:
    """The video tracks of a timeline. Checks an item before it returns it, and reads all again if that item is gone.

    Code that changes tracks must say so here. If someone else changed them, an append fails: then call `forget`, and
    choose a track again.
    """

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self._rate: Fraction | None = None
        self.forget()

    def forget(self) -> None:
        """Read all again when needed."""
        self.fresh = True
        """Whether nothing was read before the current clip."""
        self._count = 0
        self._tracks: dict[int, TrackItems] = {}
        self._items: dict[str, Found] = {}
        self._read: set[int] = set()
        self._marked: dict[str, Found] | None = None

    def begin(self) -> None:
        """Go on to another clip."""
        self.fresh = not (self._tracks or self._read)

    @property
    def rate(self) -> Fraction:
        """Frames per second of the timeline, exact. Raises what `timeline_rate` raises."""
        if self._rate is None:
            self._rate = timeline_rate(self.timeline)
        return self._rate

    @property
    def count(self) -> int:
        """Number of video tracks."""
        if not self._count:
            self._count = self.timeline.tracks()
        return self._count

    # Items

    def item(self, id_: str, track: int = 0) -> Found | None:
        """The item with that id, and its track now; `track` is where to look first."""
        if not id_:
            return None
        cached = self._items.get(id_)
        if cached is not None:
            if (found := _now(cached, id_)) is not None:
                self._items[id_] = found
                return found
            self.forget()
        return self._look(id_, track)

    def marked(self, job: str, item: str = "", track: int = 0, record: int = 0) -> Found | None:
        """The item with a job's marker; item, track and record say where it was last."""
        data = marker_data(job)
        if (found := self.item(item, track)) is not None and found.item.marker_with(data):
            return found
        if 0 < track <= self.count:
            for span in self.track(track).over(record, record + 1):
                if span.item is not None and span.start == record and span.item.marker_with(data):
                    return Found(span.item, track)
        if self._marked is None:
            self._marked = {}
            for each in items(self.timeline, track):
                for each_job in marked_jobs(each.item):
                    self._marked.setdefault(marker_data(each_job), each)
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

    def track(self, number: int) -> TrackItems:
        """A track and its items."""
        if number not in self._tracks:
            there = self.timeline.items(number)
            named = self.timeline.track_name(number) == TRACK_NAME
            ours = named and all(_is_ours(item) for item in there)
            spans = [RecordSpan(start, stop, item) for item, start, stop in _extents(there)]
            self._tracks[number] = TrackItems(ours, self.timeline.track_locked(number) if ours else False, spans)
        return self._tracks[number]

    def inserted(self, track: int) -> None:
        """We added a track there; those above it moved up by one."""
        self._tracks = {number + (number >= track): each for number, each in self._tracks.items()}
        self._tracks[track] = TrackItems(ours=True, locked=False)
        self._read = {number + (number >= track) for number in self._read} | {track}
        self._items = {
            id_: Found(found.item, found.track + (found.track >= track)) for id_, found in self._items.items()
        }
        self._marked = None
        self._count = 0

    def appended(self, job: str, item: TimelineItem, id_: str, track: int, start: int, duration: int) -> None:
        """We appended and marked an item there."""
        found = Found(item, track)
        self._items[id_] = found
        if track in self._tracks:
            self._tracks[track].spans.append(RecordSpan(start, start + duration))
        if self._marked is not None:
            self._marked[marker_data(job)] = found


def _now(cached: Found, id_: str) -> Found | None:
    """An item and its track now; None if it is on no video track."""
    if not cached.item.offers("GetTrackTypeAndIndex"):
        return cached if cached.item.id() == id_ else None
    where = cached.item.track()
    return Found(cached.item, where[1]) if where is not None and where[0] == "video" else None


def _extents(there: list[TimelineItem]) -> Iterator[tuple[TimelineItem, float, float]]:
    for item in there:
        start, stop = item.start(), item.end()
        if start is not None and stop is not None:
            yield item, start, stop


def _is_ours(item: TimelineItem) -> bool:
    clip: MediaPoolItem | None = item.clip()
    return clip is not None and bool(restoring_job(clip))
