"""Which frame of a file an item shows at each of its record frames; pure, exact arithmetic.

Resolve shows the frame into which the time of a record frame falls: at record frame record + k, frame
floor(start + k * step) of the file, where step is the number of source frames per record frame.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

__all__ = ["FrameMap", "exact", "ranges_text", "whole_start"]

# Resolve's numbers are floats: one that stands for a whole number may lie slightly below it.
_EPSILON = Fraction(1, 10_000)
_LARGEST_DENOMINATOR = 1_000_000


@dataclass(frozen=True, slots=True)
class FrameMap:
    """record: first record frame. duration: in record frames. start: position in the file there. step: see above."""

    record: int
    duration: int
    start: Fraction
    step: Fraction

    def frame(self, k: int) -> int:
        """The frame shown at record frame record + k."""
        return floor(self.start + k * self.step + _EPSILON)

    @property
    def frames(self) -> range:
        """From the lowest to the highest frame shown."""
        ends = (self.frame(0), self.frame(max(0, self.duration - 1)))
        return range(min(ends), max(ends) + 1)

    def missing(self, have: range) -> list[range]:
        """The parts of `frames` that lie outside `have`, the frames of a file."""
        need = self.frames
        before = range(need.start, min(need.stop, have.start))
        after = range(max(need.start, have.stop), need.stop)
        return [part for part in (before, after) if part]

    def shows_as(self, other: FrameMap) -> bool:
        """Whether both show the same frame at every record frame."""
        if (self.record, self.duration) != (other.record, other.duration):
            return False
        if self.step == other.step and abs(self.start - other.start) < _EPSILON:
            return True
        return all(self.frame(k) == other.frame(k) for k in range(self.duration))

    def starts(self) -> Iterator[Fraction]:
        """Positions at which an item may start and show the same, best first."""
        yield from dict.fromkeys((self.start, Fraction(ceil(self.start)), Fraction(floor(self.start))))

    def lasts(self, start: Fraction) -> list[Fraction]:
        """Last frames to append with a start, likeliest first: the version decides which one gives `duration`."""
        stop = start + self.duration * abs(self.step)
        whole = Fraction(ceil(stop - _EPSILON) - 1)
        found = [whole, whole + 1, whole - 1]
        if stop.denominator != 1 or start.denominator != 1:
            found += [stop, stop - 1, stop + _EPSILON, stop - 1 + _EPSILON]
        return [each for each in dict.fromkeys(found) if each >= start]


def exact(number: float) -> Fraction:
    """The fraction that a float of Resolve's stands for."""
    return Fraction(number).limit_denominator(_LARGEST_DENOMINATOR)


def whole_start(first: int, rate: Fraction, timeline_rate: Fraction) -> int:
    """The last source frame, at or before `first`, that begins together with a frame of a timeline of another rate.

    A timeline counts positions in its own frames. A restored file that begins there can be placed on it with each frame
    where the source had it.
    """
    every = (rate / timeline_rate).numerator
    return first - first % every


def ranges_text(ranges: list[range], offset: int = 0) -> str:
    """Frame ranges as text: `12, 40 to 52`."""
    return ", ".join(
        f"{part.start + offset}" if len(part) == 1 else f"{part.start + offset} to {part.stop - 1 + offset}"
        for part in ranges
    )
