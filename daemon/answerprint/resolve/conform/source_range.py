"""Which frames of its file an item shows.

Resolve reports this in three ways, each with known flaws (see `readings`): the left offset with the duration, the first
and last source frame, and the source times. None of them is trusted alone. They have to agree within their flaws, or an
OTIO list that Resolve exports decides, or the item is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, floor

from answerprint.api.types import MediaInfo
from answerprint.resolve.conform.extent import Extent, extent_of
from answerprint.resolve.conform.facts import ClipFacts, ItemFacts, Refusal, SourceRange, TimelineFacts
from answerprint.resolve.conform.readings import NORMAL, Readings, readings_of

__all__ = ["OtioReading", "part_of", "source_range"]


@dataclass(frozen=True, slots=True)
class OtioReading:
    """An item by an exported list: its position in the file, counted from frame 0, and its speed.

    name: the kind of list, for the report.
    """

    first: Fraction
    speed: Fraction = NORMAL
    name: str = "OTIO"


def source_range(
    item: ItemFacts, clip: ClipFacts, timeline: TimelineFacts, media: MediaInfo, otio: OtioReading | None = None
) -> SourceRange | Refusal:
    """The frames of the media that an item shows. media: the clip's file. otio: decides if Resolve's numbers disagree.

    The result holds all of these frames, whichever one of Resolve's numbers is wrong. If more than one reading remains,
    it is not `exact`, or a refusal. No call reveals a changing speed whose mean fits all numbers, nor one that reverses
    on the way.
    """
    extent = extent_of(clip, media)
    if isinstance(extent, Refusal):
        return extent
    if media.frames == 1:
        return SourceRange(0, 1, Fraction(0), how="a still")
    found = _by_resolve(item, extent, timeline)
    if otio is not None and (isinstance(found, Refusal) or (found.steady and not found.exact)):
        found = _by_otio(item, extent, timeline, otio, found)
    return replace(found, reason=f"{item.name}: {found.reason}") if isinstance(found, Refusal) else found


def part_of(source: SourceRange, ratio: Fraction, skip: int, keep: int) -> SourceRange:
    """The frames shown in `keep` record frames after the first `skip`. ratio: the clip's rate over the timeline's.

    All frames of the item if its speed changes or is 0.
    """
    if not source.steady or not source.speed:
        return source
    step = source.speed * ratio
    x, spare = source.first + source.offset + skip * step, 0 if source.exact else 1
    part = _range(x, step, keep, source.speed, spare)
    first, stop = max(source.first, part.first), min(source.stop, part.stop)
    return replace(source, first=first, stop=max(first + 1, stop), offset=x - first)


def _by_resolve(item: ItemFacts, extent: Extent, timeline: TimelineFacts) -> SourceRange | Refusal:
    """Read a sequence's source frames as file numbers, as documented, then counted from 0."""
    readings = readings_of(item, extent, timeline, extent.number)
    if readings is None:
        return _unknown(item)
    found = _agreed(readings)
    if not extent.number:
        return found
    # Another origin shifts all source frames by the same number. Only the source time tells that from a wrong offset,
    # and decides if the offset says nothing.
    if isinstance(found, SourceRange) and found.steady and found.speed:
        x = floor(found.first + found.offset)
        if readings.clock_within(x) or not readings.clock_within(x + extent.number):
            return found
    from_zero = replace(readings, start=readings.start + extent.number, end=readings.end + extent.number)
    for candidate, how in ((readings, ""), (from_zero, "; source frames count from 0")):
        again = _agreed(candidate)
        if isinstance(again, SourceRange) and candidate.clock_within(floor(again.first + again.offset)):
            return replace(again, how=again.how + how)
    return found if isinstance(found, Refusal) else _disagree(readings)


def _agreed(readings: Readings) -> SourceRange | Refusal:
    if readings.stands_still and not readings.speed:
        return _frozen(readings)
    for speed in dict.fromkeys(each for each in (readings.speed, readings.normal, readings.mean_speed) if each):
        x, parts = readings.position(speed)
        if readings.start_agrees(x, speed) and readings.end_agrees(x, speed) and readings.span_agrees(speed):
            return _constant(readings, x, parts, speed)
        if readings.speed is not None:
            break
    return _changing(readings)


def _constant(readings: Readings, x: Fraction, parts: int, speed: Fraction) -> SourceRange | Refusal:
    step = speed * readings.ratio
    clock = readings.clock_agrees(x, max(1, parts))
    speed_known = speed == NORMAL or readings.speed is not None
    # With edits on whole frames only, the source frames tell which one; otherwise the source time has to confirm it.
    exact = speed_known and readings.span_is(speed) and (parts == 1 or (parts > 1 and clock))
    how = "offset and source frames agree" + (", times too" if clock else "")
    found = replace(_range(x, step, readings.duration, speed, 0 if exact else 1), how=how, exact=exact)
    return _within(found, readings.extent, x, x + (readings.duration - 1) * step)


def _frozen(readings: Readings) -> SourceRange | Refusal:
    """A freeze frame: one frame, of which the offset says nothing."""
    x = Fraction(readings.start)
    low, high = sorted((readings.start, readings.end))
    exact = readings.clock_agrees(x) and readings.end_agrees(x, Fraction(0)) and readings.span_misses(Fraction(0)) == 0
    if exact:
        found = SourceRange(readings.start, readings.start + 1, Fraction(0), how="source frames and times agree")
    else:
        found = SourceRange(
            max(0, low - 1), min(readings.extent.of_file, high + 2), Fraction(0), x - max(0, low - 1), "source frames"
        )
    return _within(replace(found, exact=exact), readings.extent, x, x)


def _changing(readings: Readings) -> SourceRange | Refusal:
    """No constant speed fits: the frames between both ends, if span and source frames agree on their number."""
    mean = readings.mean_speed
    if not mean or not readings.ends_agree:
        return _disagree(readings)
    expected = NORMAL if readings.speed is None else readings.speed
    if readings.span_agrees(expected):
        return _disagree(readings)
    low, high = sorted((readings.start, readings.end))
    first, stop = max(0, low - 1), min(readings.extent.of_file, high + 2)
    offset = Fraction(readings.start - first)
    found = SourceRange(first, stop, mean, offset, "source frames and times agree", steady=False, exact=False)
    return _within(found, readings.extent, Fraction(low + 1), Fraction(high - 1))


def _by_otio(
    item: ItemFacts, extent: Extent, timeline: TimelineFacts, otio: OtioReading, found: SourceRange | Refusal
) -> SourceRange | Refusal:
    """The list's range if one of Resolve's readings agrees with it, else `found` or a refusal."""
    for origin in dict.fromkeys((extent.number, 0)):
        readings = readings_of(item, extent, timeline, origin) or _offset_only(item, extent, timeline)
        if readings is None:
            continue
        x, parts = readings.position(otio.speed) if otio.speed else (Fraction(readings.start), 0)
        step = otio.speed * readings.ratio
        by_offset = parts > 0 and abs(x - otio.first) < Fraction(1, 2 * parts)
        by_frames = readings.start_agrees(otio.first, otio.speed) and readings.end_agrees(otio.first, otio.speed)
        if by_offset or by_frames:
            x = x if by_offset else otio.first
            how = f"{otio.name} and {'offset' if by_offset else 'source frames'} agree"
            sure = replace(_range(x, step, readings.duration, otio.speed), how=how)
            return _within(sure, extent, x, x + (readings.duration - 1) * step)
    if isinstance(found, Refusal):
        return found
    return Refusal("disagree", f"the {otio.name} list and Resolve name different frames.", _TRY, True)


def _range(x: Fraction, step: Fraction, duration: int, speed: Fraction, spare: int = 0) -> SourceRange:
    """All frames touched from position x on. spare: frames to add on both sides."""
    if step < 0:
        last = floor(x + (duration - 1) * step)
        first, stop = min(last, floor(x + duration * step) + 1), floor(x) + 1
    else:
        first, stop = floor(x), max(floor(x) + 1, ceil(x + duration * step))
    return SourceRange(first - spare, stop + spare, speed, x - (first - spare))


def _within(found: SourceRange, extent: Extent, *shown: Fraction) -> SourceRange | Refusal:
    """Clip a range to the file; a refusal if the item shows frames that the file does not have."""
    if floor(min(shown)) < 0 or floor(max(shown)) >= extent.of_file:
        return Refusal(
            "outside",
            f"it shows frames {floor(min(shown))} to {floor(max(shown))}, but its file has {extent.of_file} frames.",
            "Relink the clip to the file that was edited.",
            renderable=True,
        )
    first, stop = max(0, found.first), min(extent.of_file, found.stop)
    return replace(found, first=first, stop=stop, offset=found.offset + found.first - first)


def _offset_only(item: ItemFacts, extent: Extent, timeline: TimelineFacts) -> Readings | None:
    """For an item without source frames: readings whose source frames agree with nothing."""
    if item.source_start or item.source_end or item.left_offset is None:
        return None
    return readings_of(replace(item, source_start=-2.0, source_end=-2.0), extent, timeline, 0)


_TRY = "Edit the item in again, or let Resolve render it first (--through)."


def _unknown(item: ItemFacts) -> Refusal:
    if item.duration is None or item.left_offset is None:
        return Refusal(
            "hollow", "Resolve does not return its position in the file.", "Save the project, and open it again."
        )
    return Refusal("unknown", "Resolve does not return which frames of its file it shows.", _TRY, True)


def _disagree(readings: Readings) -> Refusal:
    x, _ = readings.position(readings.speed or NORMAL)
    return Refusal(
        "disagree",
        f"Resolve contradicts itself: it begins at frame {float(x):g} of its file by its offset, at"
        f" {readings.start} by its source frames, which end at {readings.end}.",
        _TRY,
        renderable=True,
    )
