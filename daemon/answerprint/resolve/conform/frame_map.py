"""Which frame of a file an item shows at each of its record frames; pure arithmetic on exact numbers.

Resolve shows the frame that a record frame's time falls into: at record frame record + k, frame floor(start + k * step)
of the file, step being source frames for one record frame.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

__all__ = ["FrameMap", "exact", "ranges_text", "whole_start"]

# Resolve's numbers come as floats: one that means a whole number may lie a hair below it.
_HAIR = Fraction(1, 10_000)
_FINEST = 1_000_000


@dataclass(frozen=True, slots=True)
class FrameMap:
    """record: first record frame. duration: record frames. start: position in the file at the first."""

    record: int
    duration: int
    start: Fraction
    step: Fraction

    def frame(self, k: int) -> int:
        """What is shown at record frame record + k."""
        return floor(self.start + k * self.step + _HAIR)

    @property
    def frames(self) -> range:
        """From the lowest to the highest frame that is shown."""
        ends = (self.frame(0), self.frame(max(0, self.duration - 1)))
        return range(min(ends), max(ends) + 1)

    def missing(self, have: range) -> list[range]:
        """Parts of `frames` that are not among those of a file."""
        need = self.frames
        before = range(need.start, min(need.stop, have.start))
        after = range(max(need.start, have.stop), need.stop)
        return [part for part in (before, after) if part]

    def shows_as(self, other: FrameMap) -> bool:
        """Whether both show the same frame at every record frame."""
        if (self.record, self.duration) != (other.record, other.duration):
            return False
        if self.step == other.step and abs(self.start - other.start) < _HAIR:
            return True
        return all(self.frame(k) == other.frame(k) for k in range(self.duration))

    def starts(self) -> Iterator[Fraction]:
        """Positions to start an item at, best first, so that it could show the same."""
        yield from dict.fromkeys((self.start, Fraction(ceil(self.start)), Fraction(floor(self.start))))

    def lasts(self, start: Fraction) -> list[Fraction]:
        """Last frames to send with a start, likeliest first: which of them gives `duration` depends on the version."""
        stop = start + self.duration * abs(self.step)
        whole = Fraction(ceil(stop - _HAIR) - 1)
        found = [whole, whole + 1, whole - 1]
        if stop.denominator != 1 or start.denominator != 1:
            found += [stop, stop - 1, stop + _HAIR, stop - 1 + _HAIR]
        return [each for each in dict.fromkeys(found) if each >= start]


def exact(number: float) -> Fraction:
    """A number of Resolve's as the fraction it stands for."""
    return Fraction(number).limit_denominator(_FINEST)


def whole_start(first: int, rate: Fraction, timeline_rate: Fraction) -> int:
    """The last source frame, not after `first`, that begins together with a frame of a timeline of another rate.

    A restored file that begins there can be put on that timeline with every frame where the source had it: positions on
    a timeline are counted in its own frames.
    """
    every = (rate / timeline_rate).numerator
    return first - first % every


def ranges_text(ranges: list[range], offset: int = 0) -> str:
    """Frames as people read them: 12, 40 to 52."""
    return ", ".join(
        f"{part.start + offset}" if len(part) == 1 else f"{part.start + offset} to {part.stop - 1 + offset}"
        for part in ranges
    )
