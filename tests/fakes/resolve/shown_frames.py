"""What an item really shows: exact, and nothing that Resolve's API would say."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import floor
from typing import NamedTuple

__all__ = ["Shown", "Warp"]

_ROUNDING = Fraction(1, 10**6)


class Shown(NamedTuple):
    """A picture: its file or sequence (as in File Path) and its index in it, from 0."""

    path: str
    frame: int


@dataclass(frozen=True, slots=True)
class Warp:
    """The map from record frames, counted from the item's first, to frames of the file, counted from 0.

    entry: what the first record frame shows, exact. ratio: source frames that pass in one of the timeline's at normal
    speed. pieces: how many record frames at which speed; the last piece goes on.
    """

    entry: Fraction
    ratio: Fraction = Fraction(1)
    pieces: tuple[tuple[int, Fraction], ...] = ((0, Fraction(1)),)

    def at(self, offset: Fraction | int) -> Fraction:
        """The exact position in the file."""
        position, left = self.entry, Fraction(offset)
        for number, (frames, speed) in enumerate(self.pieces, 1):
            here = left if number == len(self.pieces) else min(left, Fraction(frames))
            position += here * speed * self.ratio
            left -= here
            if not left:
                break
        return position

    def shown(self, offset: int) -> int:
        """The frame that is seen: the one that is current when the record frame begins."""
        return floor(self.at(offset) + _ROUNDING)

    @property
    def speed(self) -> Fraction | None:
        """1 is normal, 0 a freeze, below 0 reverse; None for a ramp."""
        speeds = {speed for _, speed in self.pieces}
        return speeds.pop() if len(speeds) == 1 else None
