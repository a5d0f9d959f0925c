"""Which frames of its file an item shows.

Resolve has three accounts of it, each with a flaw of its own (see `readings`): the left offset with the duration, the
first and last source frame, and the source times. Nothing follows from one of them alone: they have to agree within
their flaws, or a list that Resolve exported says which is right, or the item is refused.
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
    """What an exported list says of an item: its position in the file, counted from frame 0, and its speed.

    name: of the list's kind, for the report.
    """

    first: Fraction
    speed: Fraction = NORMAL
    name: str = "OTIO"


def source_range(
    item: ItemFacts, clip: ClipFacts, timeline: TimelineFacts, media: MediaInfo, witness: OtioReading | None = None
) -> SourceRange | Refusal:
    """The frames of the media that an item shows; media: the file of the clip.

    All of them are within the result, whichever one of Resolve's numbers is wrong; where more than one reading of the
    numbers is left, the result says that it is not exact, or is a refusal. witness: decides where they disagree. No
    call tells of a speed that changes and whose mean fits all of them, nor of one that turns back on its way.
    """
    extent = extent_of(clip, media)
    if isinstance(extent, Refusal):
        return extent
    if media.frames == 1:
        return SourceRange(0, 1, Fraction(0), how="a still")
    found = _explained(item, extent, timeline)
    if witness is not None and (isinstance(found, Refusal) or (found.steady and not found.exact)):
        found = _witnessed(item, extent, timeline, witness, found)
    return replace(found, reason=f"{item.name}: {found.reason}") if isinstance(found, Refusal) else found


def part_of(source: SourceRange, ratio: Fraction, skip: int, keep: int) -> SourceRange:
    """What an item shows in `keep` record frames after the first `skip`; ratio: the clip's rate over the timeline's.

    All of it where the speed changes, or the frames do not pass one by one.
    """
    if not source.steady or not source.speed:
        return source
    step = source.speed * ratio
    x, spare = source.first + source.offset + skip * step, 0 if source.exact else 1
    part = _range(x, step, keep, source.speed, spare)
    first, stop = max(source.first, part.first), min(source.stop, part.stop)
    return replace(source, first=first, stop=max(first + 1, stop), offset=x - first)


def _explained(item: ItemFacts, extent: Extent, timeline: TimelineFacts) -> SourceRange | Refusal:
    """Try the numbers of a sequence's files as they are documented, then counting from 0."""
    said = readings_of(item, extent, timeline, extent.number)
    if said is None:
        return _unknown(item)
    found = _agreed(said)
    if not extent.number:
        return found
    # Counting otherwise shifts all source frames by the same. Only the clock tells that from an offset that is wrong,
    # and which it is where the offset says nothing.
    if isinstance(found, SourceRange) and found.steady and found.speed:
        x = floor(found.first + found.offset)
        if said.clock_within(x) or not said.clock_within(x + extent.number):
            return found
    other = replace(said, start=said.start + extent.number, end=said.end + extent.number)
    for way, how in ((said, ""), (other, "; source frames count from 0")):
        again = _agreed(way)
        if isinstance(again, SourceRange) and way.clock_within(floor(again.first + again.offset)):
            return replace(again, how=again.how + how)
    return found if isinstance(found, Refusal) else _disagree(said)


def _agreed(said: Readings) -> SourceRange | Refusal:
    if said.stands_still and not said.speed:
        return _frozen(said)
    for speed in dict.fromkeys(each for each in (said.speed, said.normal, said.mean_speed) if each):
        x, parts = said.position(speed)
        if said.start_agrees(x, speed) and said.end_agrees(x, speed) and said.span_agrees(speed):
            return _constant(said, x, parts, speed)
        if said.speed is not None:
            break
    return _changing(said)


def _constant(said: Readings, x: Fraction, parts: int, speed: Fraction) -> SourceRange | Refusal:
    step = speed * said.ratio
    clock = said.clock_agrees(x, max(1, parts))
    told = speed == NORMAL or said.speed is not None
    # Where edits lie on whole frames only, the source frames have told which; otherwise a frame has more places.
    exact = told and said.span_is(speed) and (parts == 1 or (parts > 1 and clock))
    how = "offset and source frames agree" + (", times too" if clock else "")
    found = replace(_range(x, step, said.duration, speed, 0 if exact else 1), how=how, exact=exact)
    return _within(found, said.extent, x, x + (said.duration - 1) * step)


def _frozen(said: Readings) -> SourceRange | Refusal:
    """One frame; the offset says nothing of it."""
    x = Fraction(said.start)
    low, high = sorted((said.start, said.end))
    exact = said.clock_agrees(x) and said.end_agrees(x, Fraction(0)) and said.span_misses(Fraction(0)) == 0
    if exact:
        found = SourceRange(said.start, said.start + 1, Fraction(0), how="source frames and times agree")
    else:
        found = SourceRange(
            max(0, low - 1), min(said.extent.of_file, high + 2), Fraction(0), x - max(0, low - 1), "source frames"
        )
    return _within(replace(found, exact=exact), said.extent, x, x)


def _changing(said: Readings) -> SourceRange | Refusal:
    """No constant speed explains it: the frames between its ends, if two accounts agree on how many there are."""
    mean = said.mean_speed
    if not mean or not said.ends_agree:
        return _disagree(said)
    expected = NORMAL if said.speed is None else said.speed
    if said.span_agrees(expected):
        return _disagree(said)
    low, high = sorted((said.start, said.end))
    first, stop = max(0, low - 1), min(said.extent.of_file, high + 2)
    offset = Fraction(said.start - first)
    found = SourceRange(first, stop, mean, offset, "source frames and times agree", steady=False, exact=False)
    return _within(found, said.extent, Fraction(low + 1), Fraction(high - 1))


def _witnessed(
    item: ItemFacts, extent: Extent, timeline: TimelineFacts, witness: OtioReading, found: SourceRange | Refusal
) -> SourceRange | Refusal:
    """Believe the list where one of Resolve's accounts says the same."""
    for origin in dict.fromkeys((extent.number, 0)):
        said = readings_of(item, extent, timeline, origin) or _offset_only(item, extent, timeline)
        if said is None:
            continue
        x, parts = said.position(witness.speed) if witness.speed else (Fraction(said.start), 0)
        step = witness.speed * said.ratio
        by_offset = parts > 0 and abs(x - witness.first) < Fraction(1, 2 * parts)
        by_frames = said.start_agrees(witness.first, witness.speed) and said.end_agrees(witness.first, witness.speed)
        if by_offset or by_frames:
            x = x if by_offset else witness.first
            how = f"{witness.name} and {'offset' if by_offset else 'source frames'} agree"
            sure = replace(_range(x, step, said.duration, witness.speed), how=how)
            return _within(sure, extent, x, x + (said.duration - 1) * step)
    if isinstance(found, Refusal):
        return found
    return Refusal("disagree", f"the {witness.name} list shows other frames of the file than Resolve says.", _TRY, True)


def _range(x: Fraction, step: Fraction, duration: int, speed: Fraction, spare: int = 0) -> SourceRange:
    """All frames that are touched, from x on; spare: more of them on both sides."""
    if step < 0:
        last = floor(x + (duration - 1) * step)
        first, stop = min(last, floor(x + duration * step) + 1), floor(x) + 1
    else:
        first, stop = floor(x), max(floor(x) + 1, ceil(x + duration * step))
    return SourceRange(first - spare, stop + spare, speed, x - (first - spare))


def _within(found: SourceRange, extent: Extent, *shown: Fraction) -> SourceRange | Refusal:
    """Leave out what the file does not have. Refuse where that is shown."""
    if floor(min(shown)) < 0 or floor(max(shown)) >= extent.of_file:
        return Refusal(
            "outside",
            f"it shows frames {floor(min(shown))} to {floor(max(shown))}, its file has {extent.of_file}.",
            "Relink the clip to the file that it was edited with.",
            renderable=True,
        )
    first, stop = max(0, found.first), min(extent.of_file, found.stop)
    return replace(found, first=first, stop=stop, offset=found.offset + found.first - first)


def _offset_only(item: ItemFacts, extent: Extent, timeline: TimelineFacts) -> Readings | None:
    """For an item whose source frames are unknown: none that agree with anything."""
    if item.source_start or item.source_end or item.left_offset is None:
        return None
    return readings_of(replace(item, source_start=-2.0, source_end=-2.0), extent, timeline, 0)


_TRY = "Render it, or replace the item by one that is edited in again."


def _unknown(item: ItemFacts) -> Refusal:
    if item.duration is None or item.left_offset is None:
        return Refusal("hollow", "Resolve does not say where it lies.", "Save, and open the project again.")
    return Refusal("unknown", "Resolve does not say which frames of its file it shows.", _TRY, True)


def _disagree(said: Readings) -> Refusal:
    x, _ = said.position(said.speed or NORMAL)
    return Refusal(
        "disagree",
        f"it begins at frame {float(x):g} of its file by its offset, at {said.start} by its source frames, "
        f"which end at {said.end}.",
        _TRY,
        renderable=True,
    )
