"""Clips onto a timeline, the way Resolve does it."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import floor
from typing import TYPE_CHECKING, Any

from fakes.resolve.calls import known_keys
from fakes.resolve.clip import Clip
from fakes.resolve.item import Item
from fakes.resolve.shown_frames import Warp
from fakes.resolve.world import World

if TYPE_CHECKING:
    from fakes.resolve.timeline import Timeline
    from fakes.resolve.tracks import Track

__all__ = ["KEYS", "append", "clips_for"]

KEYS = frozenset({"mediaPoolItem", "startFrame", "endFrame", "recordFrame", "mediaType", "trackIndex"})
"""Of a clip to append."""

_WITHOUT_TRACKS = KEYS - {"mediaType", "trackIndex"}
_WHOLE = ("trackIndex", "mediaType")
"""The others are documented as float/int."""
_NUMBERS = ("startFrame", "endFrame", "recordFrame", "trackIndex", "mediaType")


def clips_for(world: World, what: str, given: Sequence[object], tracks: bool) -> list[dict[str, Any]] | None:
    """The clips of all forms of the call as dictionaries; None, and a violation, for anything else."""
    flat = list(given[0]) if len(given) == 1 and isinstance(given[0], list) else list(given)
    entries: list[dict[str, Any]] = []
    for each in flat:
        entry = {"mediaPoolItem": each} if isinstance(each, Clip) else each
        keys = KEYS if tracks else _WITHOUT_TRACKS
        if not isinstance(entry, dict) or not isinstance(entry.get("mediaPoolItem"), Clip):
            world.violated(f"MediaPool.{what}: {each!r} names no clip")
            return None
        if not known_keys(world, f"MediaPool.{what}", entry, keys):
            return None
        for name in _NUMBERS:
            value = entry.get(name, 0)
            whole = name in _WHOLE and isinstance(value, float) and not value.is_integer()
            if isinstance(value, bool) or not isinstance(value, (int, float)) or whole:
                world.violated(f"MediaPool.{what}: {name} is {value!r}")
                return None
        if entry.get("mediaType", 1) not in (1, 2):
            world.violated(f"MediaPool.{what}: mediaType is {entry['mediaType']!r}")
            return None
        entries.append(entry)
    return entries


def append(world: World, timeline: Timeline, entries: Sequence[dict[str, Any]]) -> list[Item]:
    """The items that come back; one that could not be placed is hollow, and looks placed."""
    answers: list[Item] = []
    for each in entries:
        made = _place(world, timeline, each)
        answers += made or ([Item(world, each["mediaPoolItem"].name, 0, 0)] if world.quirks.hollow_items else [])
    return answers


def _place(world: World, timeline: Timeline, entry: dict[str, Any]) -> list[Item]:
    clip: Clip = entry["mediaPoolItem"]
    quirks = world.quirks
    still = clip.media is not None and clip.media.kind == "still"
    ratio = Fraction(1) if still else clip.fps / timeline.rate
    first, stop = Fraction(clip.first), Fraction(clip.first + clip.frames)
    if "startFrame" in entry:
        first = _frame(entry["startFrame"], quirks.append_cuts_fractions) - clip.base
    if "endFrame" in entry:
        stop = _frame(entry["endFrame"], quirks.append_cuts_fractions) - clip.base + (quirks.append_end == "inclusive")
    if not still:
        first = max(first + quirks.append_moves_start, Fraction(clip.first))
        stop = min(stop, Fraction(clip.first + clip.frames))
    exact = (stop - first) / ratio
    duration = floor(exact) if quirks.append_floors else floor(exact + Fraction(1, 2))
    tracks = [
        timeline.track(kind, int(entry.get("trackIndex", 1)))
        for number, kind in ((1, "video"), (2, "audio"))
        if entry.get("mediaType", number) == number and (number == 1 or (clip.media and clip.media.has_audio))
    ]
    found = [each for each in tracks if each is not None]
    placed = "recordFrame" in entry and not quirks.append_ignores_record
    record = int(entry["recordFrame"]) if placed else max([timeline.end, timeline.start])
    if duration < 1 or record < timeline.start or len(found) < len(tracks) or not found:
        return []
    if any(each.locked or not each.free(record, record + duration) for each in found):
        return []
    warp = Warp(Fraction(0) if still else first, ratio, ((0, Fraction(0 if still else 1)),))
    items = [_item(world, timeline, each, clip, record, duration, warp) for each in found]
    for each in items:
        each.linked = [other for other in items if other is not each]
    return items


def _frame(value: float, cut: bool) -> Fraction:
    exact = Fraction(value).limit_denominator(10**6)
    return Fraction(int(exact)) if cut else exact


def _item(world: World, timeline: Timeline, track: Track, clip: Clip, record: int, duration: int, warp: Warp) -> Item:
    item = Item(world, clip.name, record, duration, clip, warp, track.kind)
    item.timeline = timeline
    track.add(item)
    return item
