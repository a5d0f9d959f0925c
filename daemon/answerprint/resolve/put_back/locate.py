"""Finds where a place is now: people move and trim items while their frames are being restored."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import floor

from answerprint.frames.sequence import BracketRange
from answerprint.resolve.api import TimelineItem
from answerprint.resolve.conform.frame_map import FrameMap, exact, ranges_text
from answerprint.resolve.conform.readback import first_number, frame_count
from answerprint.resolve.put_back.outcome import PlacementError, Report
from answerprint.resolve.put_back.placement import Placement
from answerprint.resolve.put_back.project_cache import ProjectCache, Source
from answerprint.resolve.put_back.track_cache import TrackCache

__all__ = ["CALLS", "TimelineTarget", "find_target", "frames_wanted", "is_frozen", "source_clip"]

CALLS = (("GetMediaPoolItem",), ("GetStart",), ("GetDuration",), ("GetSpeed",), ("GetLeftOffset", True))
"""Calls on an original item, to be sent ahead in one batch."""

_SPEED_TOLERANCE = Fraction(1, 100)


@dataclass(frozen=True, slots=True)
class TimelineTarget:
    """The tracks of the timeline of a place, the original item, and the number of its track."""

    tracks: TrackCache
    item: TimelineItem
    track: int


def find_target(cache: ProjectCache, place: Placement) -> TimelineTarget:
    """Find the place in the project. Raises PlacementError if its timeline or its item is gone."""
    tracks = cache.timeline(place.timeline)
    if tracks is None:
        raise PlacementError(f"The timeline {place.timeline_name} is no longer in the project.")
    found = tracks.item(place.item, place.track)
    if found is None:
        raise PlacementError(f"{place.name} is no longer on the timeline {place.timeline_name}.")
    return TimelineTarget(tracks, found.item, found.track)


def source_clip(cache: ProjectCache, place: Placement, target: TimelineTarget) -> Source:
    """The clip of the original. Raises PlacementError if it has another clip now."""
    clip = target.item.clip()
    if clip is None:
        raise PlacementError(f"Resolve did not say where {place.name} is.", "Open its timeline, then try again.")
    source = cache.source(clip)
    if place.clip and source.id != place.clip:
        raise PlacementError(f"The item {place.name} has another clip now.")
    return source


def frames_wanted(place: Placement, target: TimelineTarget, source: Source, report: Report) -> FrameMap:
    """The frames of the restored file to show at the place, in record frames of the timeline.

    Raises PlacementError if Resolve does not tell enough, or if the restored file lacks frames, which it names.
    """
    start, duration = target.item.start(), target.item.duration()
    if start is None or duration is None:
        raise PlacementError(f"Resolve did not say where {place.name} is.", "Open its timeline, then try again.")
    # The speed of a still means nothing, and differs between versions of Resolve.
    speed = None if _is_still(place, source) else target.item.speed()
    if speed is not None and abs(Fraction(speed) / 100 - place.speed) > _SPEED_TOLERANCE:
        raise PlacementError(f"{place.name} runs at {speed:g} % now, not at {float(place.speed * 100):g} %.")
    ratio = place.rate / target.tracks.rate
    file = source.properties.get("File Path", "")
    slipped = _slipped(place, target.item, ratio, first_number(source.properties), _is_sequence(file))
    step = 0 * ratio if is_frozen(place, ratio) else ratio * place.speed
    now = place.first + place.offset - place.restored_first
    if place.skip is None:
        wanted = FrameMap(round(start), round(duration), now + slipped, step)
    else:
        wanted = _part(place, FrameMap(round(start), round(duration), now, step), slipped)
    missing = wanted.missing(range(place.restored_stop - place.restored_first))
    if missing:
        raise PlacementError(
            f"{place.name} was changed on the timeline and shows source frames that were not restored:"
            f" {ranges_text(missing, place.restored_first)}.",
            "Restore it again; only these frames are computed.",
        )
    if (wanted.record, wanted.duration) != (place.record, place.duration) or slipped:
        report.info("moved", f"{place.name} was moved or trimmed since; the restored clip follows it.")
    return wanted


def _part(place: Placement, item: FrameMap, slipped: Fraction) -> FrameMap:
    """The frames to show for a part of an item, as far as the item still has them.

    item: its record frames now, and the restored frame at the part's beginning. slipped: source frames by which the
    item begins later than it did. The part keeps its source frames: if the item's head was trimmed, the part begins
    that many record frames closer to it.
    """
    trimmed = slipped / item.step if item.step else Fraction(0)
    if trimmed.denominator != 1 or place.skip is None:
        raise PlacementError(f"{place.name} was trimmed within a frame, so its frames cannot be matched.")
    begins = place.skip - trimmed.numerator
    first, stop = max(0, begins), min(item.duration, begins + place.duration)
    if first >= stop:
        raise PlacementError(f"The part of {place.name} that was restored is no longer on the timeline.")
    return FrameMap(item.record + first, stop - first, item.start + (first - begins) * item.step, item.step)


def is_frozen(place: Placement, ratio: Fraction) -> bool:
    """Whether the place shows one frame all the time: a freeze, or a still."""
    return place.speed == 0 or (place.stop - place.first == 1 and ratio * (place.duration - 1) >= 1)


def _is_still(place: Placement, source: Source) -> bool:
    """Whether the source is a single picture by Resolve's count of frames."""
    return (place.first, place.stop) == (0, 1) and frame_count(source.properties) <= 1


def _slipped(place: Placement, item: TimelineItem, ratio: Fraction, number: int, sequence: bool) -> Fraction:
    """Source frames by which the item begins later than it did."""
    left = item.left_offset(precise=True)
    if left is None:
        left = item.left_offset()
    if left is None:
        raise PlacementError(
            f"Resolve did not say which frames {place.name} shows.", "Open its timeline, then try again."
        )
    if is_frozen(place, ratio):
        return Fraction(0)
    if place.left is not None:
        # The offset counts record frames, so a slow or reversed clip slips by fewer frames, or backwards.
        return (exact(left) - place.left) * ratio * place.speed
    if place.speed != 1:
        return Fraction(0)  # what the offset of a retimed clip counts from is too uncertain to compare
    position = exact(left) * ratio + (0 if sequence else number)
    before = place.first + place.offset - (place.skip or 0) * ratio
    slipped = position - before
    first = item.source_start()
    if slipped and first is not None and floor(first) - floor(position) not in {0, -1, number, number - 1}:
        raise PlacementError(f"Resolve contradicts itself about which frames {place.name} shows.")
    return slipped


def _is_sequence(path: str) -> bool:
    return BracketRange.parse(path) is not None
