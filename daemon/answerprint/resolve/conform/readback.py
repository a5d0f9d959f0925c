"""Read back what an item of known rate and speed shows: two of Resolve's numbers have to agree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import floor

from answerprint.resolve.api import Timeline, TimelineItem
from answerprint.resolve.conform.frame_map import FrameMap, exact
from answerprint.resolve.conform.rates import rate as exact_rate
from answerprint.resolve.errors import ResolveError

__all__ = ["ASKED", "ClipReadback", "first_number", "frame_count", "timeline_rate"]

ASKED = (("GetStart",), ("GetDuration",), ("GetLeftOffset", True), ("GetSourceStartFrame",), ("GetSourceEndFrame",))
"""The calls that a readback makes on an item, for `pipelined`."""


@dataclass(frozen=True, slots=True)
class ClipReadback:
    """Reads back items of one clip. rate, timeline_rate: frames per second. frames: of the clip. number: of its
    first.
    """

    rate: Fraction
    timeline_rate: Fraction
    frames: int
    number: int = 0

    @property
    def ratio(self) -> Fraction:
        """Source frames per record frame at normal speed."""
        return self.rate / self.timeline_rate

    def shown(self, item: TimelineItem, speed: Fraction = Fraction(1)) -> FrameMap | None:
        """What an item shows at a known speed; None if it is hollow, or its numbers contradict each other."""
        start, duration = item.start(), item.duration()
        if start is None or duration is None or not item.id():
            return None
        return self.shown_over(item, start, duration, speed)

    def shown_over(
        self, item: TimelineItem, start: float, duration: float, speed: Fraction = Fraction(1)
    ) -> FrameMap | None:
        """The same for an item on a track whose record frames are known already."""
        left = item.left_offset(precise=True)
        if left is None:
            left = item.left_offset()
        if left is None:
            return None
        first = item.source_start()
        for position in self._positions(exact(left), first, speed):
            if position >= 0 and self._agrees(first, item.source_end(), position, speed):
                return FrameMap(round(start), round(duration), position, self.ratio * speed)
        return None

    def _positions(self, left: Fraction, first: float | None, speed: Fraction) -> Iterator[Fraction]:
        """The source positions that a left offset can mean. It counts record frames, or source frames in some
        versions.
        """
        if speed > 0:
            yield left * self.ratio * speed
            yield left
        elif speed < 0:
            yield self.frames - 1 + left * self.ratio * speed
        elif first is not None:
            # A freeze frame has no offset. Its frame was read back before the freeze, so it is not one low.
            yield from (Fraction(floor(first) - self.number), Fraction(floor(first)))

    def _agrees(self, first: float | None, last: float | None, position: Fraction, speed: Fraction) -> bool:
        """Whether the source frames confirm a position. The first may be one low, and counts from 0 or as the
        files do.
        """
        if first is None or (first == 0 and not last):
            # Frame 0, or unknown as in imported timelines: only the offset tells.
            return speed in (0, 1)
        # The end tells a reversed item from one that runs forward.
        same_direction = last is None or speed == 0 or (last - first) * speed >= 0
        difference = floor(first) - floor(position)
        return same_direction and difference in {0, self.number, -1, self.number - 1}


def first_number(clip: Mapping[str, str]) -> int:
    """The number of a clip's first frame, by its attributes: 0 for a movie, the first file's number for a sequence."""
    text = clip.get("Start", "")
    return int(text) if text.isdecimal() else 0


def frame_count(clip: Mapping[str, str]) -> int:
    """The frames of a clip, by its attributes; 0 if unknown."""
    text = clip.get("Frames", "")
    return int(text) if text.isdecimal() else 0


def timeline_rate(timeline: Timeline) -> Fraction:
    """The exact frame rate. Raises ResolveError if Resolve does not return it, InputError if it is not a known rate."""
    text = timeline.setting("timelineFrameRate")
    if not text:
        raise ResolveError(
            f"Resolve does not return the frame rate of {timeline.name()}.", "Open the timeline, and try again."
        )
    return exact_rate(text)
