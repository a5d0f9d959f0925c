"""What an item shows, from what Resolve says of it: two of its numbers have to agree."""

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
"""What a reader asks of an item, to be asked ahead."""


@dataclass(frozen=True, slots=True)
class ClipReadback:
    """rate: of the clip. timeline_rate: of the timeline. frames: of the clip. number: that of its first frame."""

    rate: Fraction
    timeline_rate: Fraction
    frames: int
    number: int = 0

    @property
    def ratio(self) -> Fraction:
        """Source frames for one record frame at normal speed."""
        return self.rate / self.timeline_rate

    def shown(self, item: TimelineItem, speed: Fraction = Fraction(1)) -> FrameMap | None:
        """What an item of a known speed shows; None for one that is hollow, or whose numbers contradict each other."""
        start, duration = item.start(), item.duration()
        if start is None or duration is None or not item.id():
            return None
        return self.shown_over(item, start, duration, speed)

    def shown_over(
        self, item: TimelineItem, start: float, duration: float, speed: Fraction = Fraction(1)
    ) -> FrameMap | None:
        """The same for an item that is on a track, over record frames that were read already."""
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
        """What an offset can mean. It counts record frames, so those of a slow clip are fewer source frames."""
        if speed > 0:
            yield left * self.ratio * speed
            yield left
        elif speed < 0:
            yield self.frames - 1 + left * self.ratio * speed
        elif first is not None:
            # A freeze has no offset. Its frame was read back before it was frozen, so the lower reading is left out.
            yield from (Fraction(floor(first) - self.number), Fraction(floor(first)))

    def _agrees(self, first: float | None, last: float | None, position: Fraction, speed: Fraction) -> bool:
        """With the first source frame, which may be one too low, and counts from 0 or as the files are numbered."""
        if first is None or (first == 0 and not last):
            # Frame 0, or unknown as in timelines that were imported: then the offset alone has to do.
            return speed in (0, 1)
        # At the other speeds the end is what tells a reversed item from one that runs forward.
        runs = last is None or speed == 0 or (last - first) * speed >= 0
        apart = floor(first) - floor(position)
        return runs and apart in {0, self.number, -1, self.number - 1}


def first_number(clip: Mapping[str, str]) -> int:
    """The number of a clip's first frame, by its attributes: 0 for files, that of the first picture for sequences."""
    text = clip.get("Start", "")
    return int(text) if text.isdecimal() else 0


def frame_count(clip: Mapping[str, str]) -> int:
    """How many frames Resolve finds in a clip, by its attributes; 0 where it does not say."""
    text = clip.get("Frames", "")
    return int(text) if text.isdecimal() else 0


def timeline_rate(timeline: Timeline) -> Fraction:
    """Exact. Raises ResolveError where Resolve does not say it, InputError for one that is not known."""
    text = timeline.setting("timelineFrameRate")
    if not text:
        raise ResolveError(f"Resolve does not say the rate of {timeline.name()}.", "Open it, and try again.")
    return exact_rate(text)
