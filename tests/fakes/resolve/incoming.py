"""Timelines from OTIO files."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlparse

from fakes.resolve.clip import Clip
from fakes.resolve.importing import clip_type
from fakes.resolve.item import Item
from fakes.resolve.media import look_at
from fakes.resolve.shown_frames import Warp

if TYPE_CHECKING:
    from fakes.resolve.pool import MediaPool
    from fakes.resolve.timeline import Timeline

__all__ = ["read_otio"]


def read_otio(pool: MediaPool, path: Path, name: str) -> Timeline | None:
    """The new timeline; clips whose media is neither in the pool nor on disk are left out. None for what is no OTIO."""
    try:
        whole = json.loads(path.read_text("utf-8"))
        begins = whole["global_start_time"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    rate = Fraction(begins["rate"]).limit_denominator(1001) if begins else pool.project.rate
    made = pool.project.new_timeline(name or whole["name"], rate)
    if made is None:
        return None
    if begins:
        made.start = made.under_playhead = round(begins["value"])
    counts = {"Video": 0, "Audio": 0}
    for track in whole["tracks"]["children"]:
        counts[track["kind"]] += 1
        if track["kind"] == "Video":
            _fill(pool, made, counts["Video"], track["children"])
    return made


def _fill(pool: MediaPool, timeline: Timeline, index: int, children: list[dict[str, Any]]) -> None:
    at = timeline.start
    target = timeline.ensure_track("video", index)
    for child in children:
        if child["OTIO_SCHEMA"].startswith("Transition"):
            continue
        length = child["source_range"]["duration"]
        duration = round(Fraction(length["value"]) * timeline.rate / Fraction(length["rate"]).limit_denominator(1001))
        clip = _clip(pool, child)
        if clip is not None:
            begins = Fraction(child["source_range"]["start_time"]["value"]).limit_denominator(1001)
            speed = next(
                (Fraction(str(each["time_scalar"])) for each in child["effects"] if "time_scalar" in each), Fraction(1)
            )
            warp = Warp(begins - clip.timecode_frames, clip.fps / timeline.rate, ((0, speed),))
            timeline.put(target, Item(timeline.world, child["name"], at, duration, clip, warp))
        at += duration


def _clip(pool: MediaPool, child: dict[str, Any]) -> Clip | None:
    references = child.get("media_references") or {"DEFAULT_MEDIA": child.get("media_reference")}
    url = (references.get(child.get("active_media_reference_key", "DEFAULT_MEDIA")) or {}).get("target_url", "")
    path = unquote(urlparse(url).path) if url.startswith("file:") else url
    if not path:
        return None
    known = next((each for each in pool.clips() if each.path == path), None)
    media = look_at(path) if known is None else None
    if media is None:
        return known
    made = Clip(pool.world, media, media.rate or pool.project.rate, type=clip_type(media))
    pool.current.clips.append(made)
    return made
