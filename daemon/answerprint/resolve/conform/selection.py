"""Which items of the timeline, or clips of the media pool, are selected."""

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
    """by: how clips are selected. value: a track number, a colour of flag, clip or marker, or a bin's name or path."""

    by: By
    value: str = ""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A selected item. part: the selected record frames of it, first and stop (exclusive); None for all."""

    item: ItemFacts
    part: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Selection:
    """The selected items, each once, by track and time, or the clips of a bin.

    left_out: counts of skipped items by reason. span: record frames from In to Out, stop exclusive; None for all.
    """

    items: tuple[Chosen, ...] = ()
    clips: tuple[ClipFacts, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)
    span: tuple[int, int] | None = None


def select_items(project: Project, query: FactsQuery, rule: SelectionRule) -> Selection:
    """Apply a rule to the open project. Raises SelectionError if it selects nothing, ResolveError."""
    if rule.by == "bin":
        return _bin(project.pool(), query, rule.value)
    timeline = project.timeline()
    if rule.by == "selected":
        found = _selected(timeline, query)
    elif rule.by == "playhead":
        found = _playhead(timeline, query)
    elif rule.by == "inout":
        found = _marked(timeline, query)
    elif rule.by == "track":
        found = _kept(_on_tracks(timeline, [_track(timeline, rule.value)]), query)
    elif rule.by == "timeline":
        found = _kept(_on_tracks(timeline), query)
    else:
        found = _kept(_on_tracks(timeline), query, _HAS[rule.by](rule.value))
    if not found.items:
        raise SelectionError(_nothing_selected(rule), _left_out_text(found.left_out) or "Select other clips.")
    return found


def _selected(timeline: Timeline, query: FactsQuery) -> Selection:
    selected = timeline.selected()
    if selected is None:
        raise SelectionError(
            "This version of Resolve does not report the selected clips; 21.0.4 and later do.",
            "Set In and Out (--inout), or put the playhead on a clip (--playhead). In a terminal, you can also select "
            "clips by colour, flag or marker (--colour, --flag, --marker).",
        )
    with pipelined(selected, ("GetUniqueId",), ("GetTrackTypeAndIndex",)):
        found = [(item.track() or ("video", 0), item) for item in _once(selected)]
    videos = [(index, item) for (kind, index), item in found if kind == "video"]
    items = [Chosen(facts) for facts in query.items(videos)]
    items.sort(key=lambda each: (each.item.track, each.item.start or 0))
    others = len(found) - len(videos)
    return Selection(tuple(items), left_out={"on no video track": others} if others else {})


def _playhead(timeline: Timeline, query: FactsQuery) -> Selection:
    item = timeline.item_at_playhead()
    if item is not None:
        return Selection((Chosen(query.item(item)),))
    if not timeline.timecode():
        raise SelectionError(
            "The open page of Resolve has no playhead.",
            "Open the Edit page, put the playhead on the clip, and try again.",
        )
    return Selection()


def _marked(timeline: Timeline, query: FactsQuery) -> Selection:
    marks = timeline.marks()
    if marks is None:
        raise SelectionError(
            "The timeline has no In and Out.", "Set both (I and O). Reading them needs Resolve 20 or later."
        )
    first, stop = timeline.start() + marks[0], timeline.start() + marks[1] + 1
    tracks = [track for track in range(1, timeline.tracks() + 1) if timeline.track_enabled(track)]

    def overlaps(item: TimelineItem) -> bool:
        start, end = item.start(), item.end()
        return start is not None and end is not None and start < stop and first < end

    found = _kept(_on_tracks(timeline, tracks), query, overlaps)
    items = tuple(Chosen(each.item, trimmed_span(each.item, first, stop)) for each in found.items)
    return Selection(items, left_out=found.left_out, span=(first, stop))


def trimmed_span(item: ItemFacts, first: int, stop: int) -> tuple[int, int] | None:
    """The record frames of an item from `first` to `stop` (exclusive); None for all of it."""
    start, end = round(item.start or 0), round(item.end or 0)
    part = (max(start, first), min(end, stop))
    return None if part == (start, end) else part


def _kept(
    items: Iterable[tuple[int, TimelineItem]],
    query: FactsQuery,
    wanted: Callable[[TimelineItem], bool] = lambda item: True,
) -> Selection:
    """The facts of the wanted items that are enabled and have a clip."""
    kept: list[Chosen] = []
    left_out: Counter[str] = Counter()
    for facts in query.items([(track, item) for track, item in items if wanted(item)]):
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
        raise SelectionError(f"There is no video track {value!r}.", f"Choose one of the video tracks 1 to {count}.")
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


def _bin(pool: MediaPool, query: FactsQuery, name: str) -> Selection:
    wanted = tuple(part.casefold() for part in name.split("/") if part)
    found = [(path, folder) for path, folder in _paths(pool.root(), ()) if wanted and _ends(path, wanted)]
    if len(found) != 1:
        names = ", ".join("/".join(path) for path, _ in found[:4])
        raise SelectionError(
            f"Several bins are named {name!r}: {names}." if found else f"There is no bin {name!r}.",
            "Add the bin above it, as in Day 1/Scans." if found else "Choose a bin of the media pool.",
        )
    clips: dict[str, ClipFacts] = {}
    left_out: Counter[str] = Counter()
    for number, facts in enumerate(query.clips(found[0][1].clips())):
        refused = refuse_clip(facts)
        if refused is not None and refused.code in _NO_PICTURES:
            left_out[_NO_PICTURES[refused.code]] += 1
        else:
            clips.setdefault(facts.id or str(number), facts)
    if not clips:
        raise SelectionError(
            f"The bin {name!r} holds no video clip.", _left_out_text(left_out) or "Choose another bin."
        )
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


def _nothing_selected(rule: SelectionRule) -> str:
    return {
        "selected": "No video clip is selected on the timeline.",
        "playhead": "No video clip is under the playhead.",
        "inout": "No video clip is between In and Out on an enabled track.",
        "track": f"Video track {rule.value} holds no clip.",
        "timeline": "The timeline holds no video clip.",
    }.get(rule.by, f"No video clip on the timeline has the {rule.by} {rule.value}".rstrip() + ".")


def _left_out_text(left_out: Mapping[str, int]) -> str:
    return f"Skipped: {', '.join(f'{count} {reason}' for reason, count in left_out.items())}." if left_out else ""
