"""Interchange files: OTIO and EDL as Resolve writes them, from the truth."""

from __future__ import annotations

import json
from collections.abc import Sequence
from fractions import Fraction
from math import floor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fakes.resolve.constants import CONSTANTS
from fakes.resolve.times import fps_number, label

if TYPE_CHECKING:
    from fakes.resolve.item import Item
    from fakes.resolve.timeline import Timeline
    from fakes.resolve.tracks import Track

__all__ = ["edl", "otio", "write"]


def write(timeline: Timeline, path: str, kind: int, subtype: int) -> bool:
    """Whether the file could be written; other kinds than OTIO and EDL are not modelled."""
    makers = {CONSTANTS["EXPORT_OTIO"]: otio, CONSTANTS["EXPORT_EDL"]: edl}
    make = makers.get(kind)
    if make is None or subtype != CONSTANTS["EXPORT_NONE"] or not Path(path).parent.is_dir():
        return False
    Path(path).write_text(make(timeline), "utf-8")
    return True


def otio(timeline: Timeline) -> str:
    """OpenTimelineIO JSON."""
    tracks = [_track(timeline, each) for kind in ("video", "audio") for each in timeline.tracks[kind]]
    stack: dict[str, Any] = {
        "OTIO_SCHEMA": "Stack.1",
        "metadata": {},
        "name": "",
        "source_range": None,
        "effects": [],
        "markers": [],
    }
    whole = {
        "OTIO_SCHEMA": "Timeline.1",
        "metadata": {"Resolve_OTIO": {"Resolve OTIO Meta Version": "1.0"}},
        "name": timeline.name,
        "global_start_time": _time(timeline.start, timeline.rate),
        "tracks": stack | {"enabled": True, "children": tracks},
    }
    return json.dumps(whole, indent=4)


def _track(timeline: Timeline, track: Track) -> dict[str, Any]:
    children, at = [], timeline.start
    for item in track.items:
        if item.start > at:
            gap = {"OTIO_SCHEMA": "Gap.1", "metadata": {}, "name": "", "effects": [], "markers": [], "enabled": True}
            children.append(gap | {"source_range": _range(Fraction(0), timeline.rate, item.start - at, timeline.rate)})
        children.append(_item(timeline, item))
        at = item.stop
    return {
        "OTIO_SCHEMA": "Track.1",
        "metadata": {},
        "name": track.name,
        "source_range": None,
        "effects": [],
        "markers": [],
        "enabled": track.enabled,
        "children": children,
        "kind": track.kind.title(),
    }


def _item(timeline: Timeline, item: Item) -> dict[str, Any]:
    clip, rate = item.clip, timeline.rate
    if clip is None:
        reference: dict[str, Any] = {"OTIO_SCHEMA": "MissingReference.1", "metadata": {}, "name": ""}
        begin, fps = Fraction(0), rate
    else:
        begin, fps = clip.timecode_frames + item.shown_warp.entry, clip.fps
        first = Fraction(clip.timecode_frames + clip.first)
        reference = {
            "OTIO_SCHEMA": "ExternalReference.1" if clip.path else "MissingReference.1",
            "metadata": {},
            "name": clip.name,
            "available_range": _range(first, fps, clip.frames, fps),
            "available_image_bounds": None,
        } | ({"target_url": clip.path} if clip.path else {})
    return {
        "OTIO_SCHEMA": "Clip.2",
        "metadata": {"Resolve_OTIO": {}},
        "name": item.name,
        "source_range": _range(begin, fps, item.duration, rate),
        "effects": _effects(item),
        "markers": [],
        "enabled": item.enabled,
        "media_references": {"DEFAULT_MEDIA": reference},
        "active_media_reference_key": "DEFAULT_MEDIA",
    }


def _effects(item: Item) -> Sequence[dict[str, Any]]:
    """A ramp is a warp at its mean, with its keyframes beside it."""
    warp = item.shown_warp
    if warp.speed == 1 or (item.clip is not None and item.clip.media is not None and item.clip.media.kind == "still"):
        return []
    common = {"metadata": {}, "name": "", "enabled": True}
    if warp.speed == 0:
        return [{"OTIO_SCHEMA": "FreezeFrame.1", "effect_name": "FreezeFrame", "time_scalar": 0.0, **common}]
    mean = (warp.at(item.duration) - warp.entry) / warp.ratio / item.duration
    made = {"OTIO_SCHEMA": "LinearTimeWarp.1", "effect_name": "", **common, "time_scalar": float(mean)}
    if warp.speed is None:
        keys = [{"Frames": frames, "Speed": float(speed)} for frames, speed in warp.pieces]
        made["metadata"] = {"Resolve_OTIO": {"Keyframes": keys}}
    return [made]


def _range(start: Fraction, start_rate: Fraction, duration: int, rate: Fraction) -> dict[str, Any]:
    return {
        "OTIO_SCHEMA": "TimeRange.1",
        "duration": _time(duration, rate),
        "start_time": _time(start, start_rate),
    }


def _time(value: Fraction | int, rate: Fraction) -> dict[str, Any]:
    return {"OTIO_SCHEMA": "RationalTime.1", "rate": float(rate), "value": float(value)}


def edl(timeline: Timeline) -> str:
    """CMX 3600, of all video tracks in the order of time."""
    lines = [f"TITLE: {timeline.name}", f"FCM: {'DROP FRAME' if timeline.drop else 'NON-DROP FRAME'}", ""]
    events = [
        (item, "V" if number == 1 else f"V{number}")
        for number, track in enumerate(timeline.tracks["video"], 1)
        for item in track.items
    ]
    for number, (item, channel) in enumerate(sorted(events, key=lambda each: each[0].start), 1):
        lines += _event(timeline, number, item, channel)
    return "\n".join(lines) + "\n"


def _event(timeline: Timeline, number: int, item: Item, channel: str) -> list[str]:
    rate, drop, clip, warp = timeline.rate, timeline.drop, item.clip, item.shown_warp
    record = [label(each, rate, drop) for each in (item.start, item.stop)]
    if clip is None:
        source = [label(each, rate, drop) for each in (0, item.duration)]
        return [f"{number:03}  BL       {channel:5} C        {' '.join(source + record)}", ""]
    reel = (clip.attributes.get("Reel Name") or "AX").ljust(8)
    ends = [warp.entry, warp.at(item.duration)] if warp.speed != 0 else [warp.entry, warp.entry + item.duration]
    if ends[1] < ends[0]:
        ends = [ends[1] + 1, ends[0] + 1]  # forward, from the first frame that is used to the one after the last
    first = clip.timecode_frames + floor(ends[0])
    span = max(1, floor(ends[1] - ends[0]))
    source = [label(each, clip.fps, ";" in clip.start_label) for each in (first, first + span)]
    lines = [f"{number:03}  {reel} {channel:5} C        {' '.join(source + record)}"]
    if warp.speed != 1:
        mean = (warp.at(item.duration) - warp.entry) / warp.ratio / item.duration
        pace = fps_number(mean * rate)
        lines.append(f"M2   {reel} {'-' if pace < 0 else ''}{abs(pace):05.1f}                {source[0]}")
    return [*lines, f"* FROM CLIP NAME: {item.name}", ""]
