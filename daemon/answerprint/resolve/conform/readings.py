"""What Resolve's calls return for an item, compared with what they would return for a given position and speed.

x is the position in the file at the item's first record frame, v its speed. Record frame k shows frame
floor(x + k * step) of the file, with step = v * ratio, where ratio is the clip's rate over the timeline's. How
Resolve's calls round these was measured; if the measurements allow more than one answer, so does this module.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor, isfinite, lcm

from answerprint.resolve.conform.extent import Extent
from answerprint.resolve.conform.facts import ItemFacts, TimelineFacts

__all__ = ["NORMAL", "Readings", "readings_of"]

NORMAL = Fraction(1)
_TOLERANCE = Fraction(1, 20)
"""Tolerance of a span of seconds, in source frames: Resolve rounds seconds, at worst to milliseconds."""
_EPSILON = Fraction(1, 5000)
_PERCENT_DENOMINATOR = 10_000


@dataclass(frozen=True, slots=True)
class Readings:
    """duration: in record frames. ratio: see above. left: GetLeftOffset, in timeline frames after the retime.

    start, end: GetSourceStartFrame and GetSourceEndFrame, as frames of the file. began, span: the source times as
    source frames; began counts from timecode zero. speed: GetSpeed. None: Resolve returned nothing.
    """

    extent: Extent
    duration: int
    ratio: Fraction
    left: Fraction
    start: int
    end: int
    began: Fraction | None
    span: Fraction | None
    speed: Fraction | None

    def position(self, speed: Fraction) -> tuple[Fraction, int]:
        """The position that the left offset gives for a speed, and the denominator of the positions that edits can
        have.

        The offset counts in the retimed clip: a reversed one begins with its last frame. 0: no edit has this position.
        """
        step = self.ratio * abs(speed)
        grid = lcm(step.denominator, self.ratio.denominator)
        moved = self.left * step
        nearest = Fraction(round(moved * grid), grid)
        fits = abs(moved - nearest) <= min(Fraction(1, 4 * grid), Fraction(1, 1000))
        if not fits:
            nearest = moved.limit_denominator(1_000_000)
        return (self.extent.first + nearest if speed > 0 else self.extent.stop - 1 - nearest), grid * fits

    def start_agrees(self, x: Fraction, speed: Fraction) -> bool:
        """Whether the first source frame fits. At normal speed and equal rates it may be one low."""
        low = 1 if speed == self.ratio == 1 else 0
        return 0 <= floor(x) - self.start <= low

    def end_agrees(self, x: Fraction, speed: Fraction) -> bool:
        """Whether the last source frame fits. It is exclusive at equal rates; else inclusive, of frames shown or
        touched.
        """
        step = speed * self.ratio
        stop, last = x + self.duration * step, floor(x + (self.duration - 1) * step)
        if speed == 0:
            return self.end - floor(x) in (0, 1)
        if speed < 0:
            return floor(stop) <= self.end <= max(last, floor(stop) + 1)
        if self.ratio == 1:
            return self.end == ceil(stop) or (speed != 1 and self.end == floor(stop))
        return last <= self.end <= ceil(stop) - 1

    def span_misses(self, speed: Fraction) -> Fraction | None:
        """By how many source frames the span of seconds differs from that of a speed; None if there is no span."""
        return None if self.span is None else abs(abs(self.span) - self.duration * self.ratio * abs(speed))

    def span_agrees(self, speed: Fraction) -> bool:
        """Whether the span fits to a source frame, or is unknown. Its direction counts unless the speed was read."""
        misses = self.span_misses(speed)
        if self.speed is None and (speed < 0) != (self.span is not None and self.span < 0):
            return False
        return misses is None or misses < 1

    def span_is(self, speed: Fraction) -> bool:
        """Whether the span fits this speed and no other that Resolve can set, or is unknown while the speed was read.

        Speeds have two decimals of a per cent. If another speed is possible, the span has to tell them apart.
        """
        misses = self.span_misses(speed)
        if misses is None:
            return self.speed is not None
        if speed == NORMAL:
            next_speed = Fraction(1) if self.speed == NORMAL else Fraction(1, 1000)
        else:
            next_speed = Fraction(1, 10_000) if (speed * 10_000).denominator == 1 else Fraction(1, 400_000)
        return misses <= min(_TOLERANCE, Fraction(2, 5) * next_speed * self.duration * self.ratio)

    @property
    def ends_agree(self) -> bool:
        """Whether span and source frames agree to a source frame, whatever the speed."""
        if self.span is None:
            return False
        backwards = self.span > 0 and self.speed is not None and self.speed < 0
        return abs((-self.span if backwards else self.span) - (self.end - self.start)) <= 1

    @property
    def stands_still(self) -> bool:
        """Whether hardly any source frame passes, although one would at normal speed."""
        if self.span is None or abs(self.end - self.start) > 1:
            return False
        return abs(self.span) < min(Fraction(1), self.duration * self.ratio / 2)

    def clock_agrees(self, x: Fraction, finest: int = 1) -> bool:
        """Whether the source time is this position. finest: into how many parts a frame may be divided.

        It counts from timecode zero, in real time or in timecode. This only confirms a position that is known
        otherwise.
        """
        allowed = min(_TOLERANCE, Fraction(3, 10 * finest))
        return any(abs(each) <= allowed for each in self._beyond(x))

    def clock_within(self, frame: int) -> bool:
        """Whether the source time lies in this frame, and clear of the next one."""
        return any(-_EPSILON <= each <= 1 - 2 * _TOLERANCE for each in self._beyond(Fraction(frame)))

    @property
    def normal(self) -> Fraction:
        """Normal speed, in the direction of the source frames."""
        return -NORMAL if self.start > self.end else NORMAL

    @property
    def mean_speed(self) -> Fraction | None:
        """The speed by the span, below 0 if the item is reversed, rounded to Resolve's two decimals of a per cent."""
        if self.span is None:
            return None
        mean = abs(self.span) / (self.duration * self.ratio)
        for digits in (0, 2):
            rounded = Fraction(round(mean * 100 * 10**digits), 100 * 10**digits)
            if abs(mean - rounded) * self.duration * self.ratio <= _TOLERANCE:
                mean = rounded
                break
        mean = mean.limit_denominator(1_000_000)
        return mean * self.normal

    def _beyond(self, x: Fraction) -> tuple[Fraction, ...]:
        """How far the source time lies after a position, in source frames, for each way to count it."""
        if self.began is None:
            return ()
        inside, label = self.began - (x - self.extent.first), self.extent.label
        if label is None:
            return (inside,)
        nominal = Fraction(label.frames, max(1, round(self.extent.rate))) * self.extent.rate
        return inside - label.frames, inside - nominal


def readings_of(item: ItemFacts, extent: Extent, timeline: TimelineFacts, origin: int) -> Readings | None:
    """Convert an item's numbers to frames of its file. origin: the source frame number of frame 0.

    None if a number is missing that the others cannot replace: a hollow item, or 0 and 0 for its source frames.
    """
    began, ended = item.source_start_seconds, item.source_end_seconds
    numbers = (item.left_offset, item.source_start, item.source_end, item.start, item.end, item.duration, began, ended)
    if not all(each is None or isfinite(each) for each in (*numbers, item.speed)):
        return None
    if item.left_offset is None or item.source_start is None or item.source_end is None:
        return None
    if item.start is None or item.end is None or item.duration is None or item.end - item.start != item.duration:
        return None
    duration, speed = round(item.duration), _speed(item.speed)
    if duration < 1 or (item.source_start == item.source_end == 0 and (speed != 0 or item.source_end_seconds is None)):
        return None
    exact_began = None if began is None else Fraction(began) * extent.rate
    return Readings(
        extent=extent,
        duration=duration,
        ratio=extent.rate / timeline.rate,
        left=Fraction(item.left_offset),
        start=round(item.source_start) - origin,
        end=round(item.source_end) - origin,
        began=exact_began,
        span=None if exact_began is None or ended is None else Fraction(ended) * extent.rate - exact_began,
        speed=speed,
    )


def _speed(percentage: float | None) -> Fraction | None:
    return None if percentage is None else Fraction(percentage).limit_denominator(_PERCENT_DENOMINATOR) / 100
