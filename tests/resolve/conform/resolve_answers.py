"""Resolve's answers for a situation, with their documented flaws; written from the documentation, not from the code.

`AnswerVariant` chooses between answers that the documentation allows.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

from answerprint.api.types import MediaInfo
from answerprint.errors import InputError
from answerprint.frames.timecode import Timecode
from answerprint.resolve.conform.facts import ClipFacts, ItemFacts, TimelineFacts
from resolve.conform.situations import Situation

__all__ = ["AnswerVariant", "clip_of", "item_of", "media_of", "timeline_of"]


@dataclass(frozen=True, slots=True)
class AnswerVariant:
    """low: the first source frame reads one low. speed: GetSpeed exists. touched: the inclusive last frame is that
    which is touched, not shown. numbered: source frames of sequences are the numbers of files. clock: seconds count
    from midnight."""

    low: bool = False
    speed: bool = True
    touched: bool = True
    numbered: bool = True
    clock: bool = True


def label(text: str, rate: Fraction) -> Timecode:
    """A timecode; one that does not exist at this rate begins the second."""
    try:
        return Timecode.parse(text, rate)
    except InputError:
        return Timecode.parse(f"{text[:8]}:00", rate)


def media_of(s: Situation) -> MediaInfo:
    """As probed."""
    return MediaInfo(
        path="/scans/plate" if s.number is not None else "/scans/reel.mov",
        sequence=s.number is not None,
        width=s.size[0],
        height=s.size[1],
        rate=s.file_rate or s.rate,
        frames=s.frames,
        start_timecode=s.timecode,
        start_number=s.number or 0,
    )


def clip_of(s: Situation) -> ClipFacts:
    """The clip of the media pool."""
    first, stop = s.part or (0, s.frames)
    number = s.number or 0
    path = "/scans/reel.mov" if s.number is None else f"/scans/plate.[{number:04d}-{number + s.frames - 1:04d}].png"
    start = label(s.clip_timecode or s.timecode, s.rate).shifted(first)
    return ClipFacts(
        "clip",
        path.rpartition("/")[2],
        {
            "File Path": path,
            "FPS": str(round(float(s.rate), 3)),
            "Start": str(first + number),
            "End": str(stop - 1 + number),
            "Frames": str(stop - first),
            "Start TC": str(start),
            "Drop frame": "1" if start.drop else "0",
            "Resolution": f"{s.size[0]}x{s.size[1]}",
            "PAR": s.pixel_aspect or "Square",
            "Type": "视频",
        },
    )


def timeline_of(s: Situation) -> TimelineFacts:
    """The timeline."""
    start = label(s.start, s.timeline_rate).frames
    return TimelineFacts("tl", "Reel 1", "p", "Project", s.timeline_rate, s.drop, start, s.start, (1920, 1080))


def item_of(s: Situation, variant: AnswerVariant | None = None) -> ItemFacts:
    """The item's numbers."""
    variant = variant or AnswerVariant()
    first, stop = s.part or (0, s.frames)
    base = (s.number or 0) if variant.numbered else 0
    end = s.position(s.record)
    head = s.pieces[0][1] if s.pieces else s.speed
    tail = s.pieces[-1][1] if s.pieces else s.speed
    moved = s.entry - first if head >= 0 else stop - 1 - s.entry
    plain = s.ratio == 1 and head == tail == 1
    source_start = floor(s.entry) - (variant.low and plain)
    if s.ratio == 1:
        source_end = ceil(end)
    elif variant.touched:
        source_end = ceil(end) - 1 if tail > 0 else floor(end) + 1 if tail < 0 else floor(end)
    else:
        source_end = floor(s.position(s.record - 1))
    midnight = label(s.clip_timecode or s.timecode, s.rate).frames if variant.clock else -first
    start = timeline_of(s).start + 50
    return ItemFacts(
        id="item",
        name="item",
        track=1,
        start=start,
        end=start + s.record,
        duration=s.record,
        left_offset=float(moved / (s.ratio * abs(head))) if head else 0.0,
        source_start=base + source_start,
        source_end=base + source_end,
        source_start_seconds=float((midnight + s.entry) / s.rate),
        source_end_seconds=float((midnight + end) / s.rate),
        speed=float((end - s.entry) / s.ratio / s.record * 100) if variant.speed else None,
        clip=clip_of(s),
    )
