"""Which items of a timeline, or clips of the pool, are meant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from answerprint.resolve.api import Folder, MediaPool, Project, Timeline, TimelineItem, pipelined
from answerprint.resolve.conform.facts import ClipFacts, ItemFacts
from answerprint.resolve.conform.query import FactsQuery
from answerprint.resolve.conform.unsupported import refuse_clip
from answerprint.resolve.errors import SelectionError

__all__ = ["BY", "By", "Chosen", "Selection", "SelectionRule", "select_items", "trimmed_span"]

By = Literal["selected", "inout", "playhead", "track", "flag", "colour", "marker", "timeline", "bin"]
BY: tuple[By, ...] = get_args(By)


@dataclass(frozen=True, slots=True)
class SelectionRule:
    """by: how it is chosen. value: the track's number, the colour of flag, clip or marker, the bin's name or path."""

    by: By
    value: str = ""


@dataclass(frozen=True, slots=True)
class Chosen:
    """An item. part: the record frames of it that are meant, first and stop; None for all."""

    item: ItemFacts
    part: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Selection:
    """What was chosen, each item once, in the order of tracks and time.

    left_out: how many of what were not taken. span: the record frames from In to Out, stop exclusive; None for all.
    """

    items: tuple[Chosen, ...] = ()
    clips: tuple[ClipFacts, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)
    span: tuple[int, int] | None = None


def select_items(project: Project, asking: FactsQuery, choice: SelectionRule) -> Selection:
    """Find what is meant in the open project. Raises SelectionError where that is nothing, ResolveError."""
    if choice.by == "bin":
        return _bin(project.pool(), asking, choice.value)
    timeline = project.timeline()
    if choice.by == "selected":
        found = _selected(timeline, asking)
    elif choice.by == "playhead":
        found = _playhead(timeline, asking)
    elif choice.by == "inout":
        found = _marked(timeline, asking)
    elif choice.by == "track":
        found = _kept(_on_tracks(timeline, [_track(timeline, choice.value)]), asking)
    elif choice.by == "timeline":
        found = _kept(_on_tracks(timeline), asking)
    else:
        found = _kept(_on_tracks(timeline), asking, _HAS[choice.by](choice.value))
    if not found.items:
        raise SelectionError(_nothing(choice), _told(found.left_out) or "Choose other clips.")
    return found


def _selected(timeline: Timeline, asking: FactsQuery) -> Selection:
    selected = timeline.selected()
    if selected is None:
        raise SelectionError(
            "This version of Resolve does not tell which clips are selected; 21.0.4 and later do.",
            "Set In and Out (--inout), or put the playhead on a clip (--playhead). In a terminal, clips are also known "
            "by their colour, flag or marker (--colour, --flag, --marker).",
        )
    with pipelined(selected, ("GetUniqueId",), ("GetTrackTypeAndIndex",)):
        found = [(item.track() or ("video", 0), item) for item in _once(selected)]
    videos = [(index, item) for (kind, index), item in found if kind == "video"]
    items = [Chosen(facts) for facts in asking.items(videos)]
    items.sort(key=lambda each: (each.item.track, each.item.start or 0))
    others = len(found) - len(videos)
    return Selection(tuple(items), left_out={"on no video track": others} if others else {})


def _playhead(timeline: Timeline, asking: FactsQuery) -> Selection:
    item = timeline.item_at_playhead()
    if item is not None:
        return Selection((Chosen(asking.item(item)),))
    if not timeline.timecode():
        raise SelectionError(
            "Resolve does not say where the playhead is: the page that is open has none.",
            "Open the Edit page, put the playhead on the clip, and try again.",
        )
    return Selection()


def _marked(timeline: Timeline, asking: FactsQuery) -> Selection:
    marks = timeline.marks()
    if marks is None:
        raise SelectionError(
            "The timeline has no In and Out.", "Set both (I and O). They are told by Resolve 20 and later."
        )
    first, stop = timeline.start() + marks[0], timeline.start() + marks[1] + 1
    tracks = [track for track in range(1, timeline.tracks() + 1) if timeline.track_enabled(track)]

    def overlaps(item: TimelineItem) -> bool:
        start, end = item.start(), item.end()
        return start is not None and end is not None and start < stop and first < end

    found = _kept(_on_tracks(timeline, tracks), asking, overlaps)
    items = tuple(Chosen(each.item, trimmed_span(each.item, first, stop)) for each in found.items)
    return Selection(items, left_out=found.left_out, span=(first, stop))


def trimmed_span(item: ItemFacts, first: int, stop: int) -> tuple[int, int] | None:
    """The record frames of an item from `first` to `stop` (exclusive); None for all of it."""
    start, end = round(item.start or 0), round(item.end or 0)
    part = (max(start, first), min(end, stop))
    return None if part == (start, end) else part


def _kept(
    items: Iterable[tuple[int, TimelineItem]],
    asking: FactsQuery,
    wanted: Callable[[TimelineItem], bool] = lambda item: True,
) -> Selection:
    """Facts of those that are wanted, seen, and have a clip."""
    kept: list[Chosen] = []
    left_out: Counter[str] = Counter()
    for facts in asking.items([(track, item) for track, item in items if wanted(item)]):
        if facts.clip is None:
            left_out["without media"] += 1
        elif not facts.enabled:
            left_out["disabled"] += 1
        else:
            kept.append(Chosen(facts))
    return Selection(tuple(kept), left_out=dict(left_out))


def _on_tracks(timeline: Timeline, tracks: Iterable[int] | None = None) -> Iterator[tuple[int, TimelineItem]]:
    for track in range(1, timeline.tracks() + 1) if tracks is None else tracks:
        for item in timeline.items(track):
            yield track, item


def _track(timeline: Timeline, value: str) -> int:
    count = timeline.tracks()
    if not value.strip().isdecimal() or not 1 <= int(value) <= count:
        raise SelectionError(f"There is no video track {value!r}.", f"The timeline has video tracks 1 to {count}.")
    return int(value)


def _has_flag(colour: str) -> Callable[[TimelineItem], bool]:
    return lambda item: colour.casefold() in (each.casefold() for each in item.flags())


def _has_colour(colour: str) -> Callable[[TimelineItem], bool]:
    return lambda item: item.colour().casefold() == colour.casefold()


def _has_marker(colour: str) -> Callable[[TimelineItem], bool]:
    def has(item: TimelineItem) -> bool:
        found = {str(marker.get("color", "")).casefold() for marker in item.markers().values()}
        return colour.casefold() in found if colour else bool(found)

    return has


_HAS = {"flag": _has_flag, "colour": _has_colour, "marker": _has_marker}


def _bin(pool: MediaPool, asking: FactsQuery, name: str) -> Selection:
    wanted = tuple(part.casefold() for part in name.split("/") if part)
    found = [(path, folder) for path, folder in _paths(pool.root(), ()) if wanted and _ends(path, wanted)]
    if len(found) != 1:
        names = ", ".join("/".join(path) for path, _ in found[:4])
        raise SelectionError(
            f"Several bins are named {name!r}: {names}." if found else f"There is no bin {name!r}.",
            "Name it with the bins around it, such as Day 1/Scans." if found else "See the media pool for its bins.",
        )
    clips: dict[str, ClipFacts] = {}
    left_out: Counter[str] = Counter()
    for number, facts in enumerate(asking.clips(found[0][1].clips())):
        refused = refuse_clip(facts)
        if refused is not None and refused.code in _NO_PICTURES:
            left_out[_NO_PICTURES[refused.code]] += 1
        else:
            clips.setdefault(facts.id or str(number), facts)
    if not clips:
        raise SelectionError(f"The bin {name!r} holds no clip with pictures.", _told(left_out) or "Choose another bin.")
    return Selection(clips=tuple(clips.values()), left_out=dict(left_out))


_NO_PICTURES = {"compound": "made of other clips", "audio": "without pictures"}


def _paths(folder: Folder, above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Folder]]:
    path = (*above, folder.name())
    yield path, folder
    for each in folder.folders():
        yield from _paths(each, path)


def _ends(path: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    return tuple(part.casefold() for part in path[-len(wanted) :]) == wanted


def _once(items: Iterable[TimelineItem]) -> Iterator[TimelineItem]:
    seen: set[str] = set()
    for item in items:
        id = item.id()
        if id not in seen or not id:
            seen.add(id)
            yield item


def _nothing(choice: SelectionRule) -> str:
    return {
        "selected": "No video clip is selected on the timeline.",
        "playhead": "No video clip lies under the playhead.",
        "inout": "No video clip lies between In and Out on an enabled track.",
        "track": f"Video track {choice.value} holds no clip.",
        "timeline": "The timeline holds no video clip.",
    }.get(choice.by, f"No video clip on the timeline has the {choice.by} {choice.value}".rstrip() + ".")


def _told(left_out: Mapping[str, int]) -> str:
    return f"Left out: {', '.join(f'{count} {what}' for what, count in left_out.items())}." if left_out else ""
