"""Gives every picture of a film its frame: frame N is shown at N / rate, as in an editor.

A film with a constant rate has one picture a frame. Few films with other times are variable: one frame was left out,
the last one is held, or pictures follow a cadence. Frames without a picture of their own repeat the one before, so that
numbers and sound stay where they are.
"""

from __future__ import annotations

import cmath
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise

from answerprint.frames.frame import FrameRange

__all__ = ["FrameGrid", "constant_rate", "frame_index", "grid_of", "unrounded"]

_STANDARD_RATES = (
    *(Fraction(n) for n in (24, 25, 30, 48, 50, 60, 100, 120)),
    *(Fraction(1000 * n, 1001) for n in (24, 30, 48, 60, 120)),
)
_ROUNDING = Fraction(1, 2_000_000)  # less than the difference between 29.97 and 30000/1001
_HIGHEST_RATE = 1000  # recorders of screens write pictures twice, one unit of time apart
_LARGEST_STEP = Fraction(3, 2)  # frames between pictures of a constant rate: containers round
# A cadence repeats often enough to be one, and stays closer to its rate than one frame left out would be.
_CADENCE_PICTURES = 20
_CADENCE_STEPS = 4
_CADENCE_SPREAD = Fraction(3, 4)
_OFF_PHASE = 0.25


@dataclass(frozen=True, slots=True)
class FrameGrid:
    """rate: frames per second. first_pts: time of frame 0. frames: up to and with the last picture's.

    held: frames without a picture of their own. moved: times of pictures that are shown a frame earlier or later than
    their time says, each with its frame. crowded: frames for which there is more than one picture. stated: the file
    itself says which frames are held, as captures do.
    """

    rate: Fraction
    first_pts: int
    frames: int
    held: tuple[FrameRange, ...] = ()
    moved: Mapping[int, int] = field(default_factory=dict)
    crowded: tuple[int, ...] = ()
    stated: bool = False

    def is_held(self, frame: int) -> bool:
        """Whether a frame has no picture of its own."""
        place = bisect_right(self.held, frame, key=lambda run: run.start) - 1
        return place >= 0 and frame in self.held[place]

    @property
    def oddities(self) -> int:
        """Places at which a picture is not exactly one frame after the one before."""
        return len(self.held) + len(self.moved) + len(self.crowded)


def frame_index(pts: int, first_pts: int, time_base: Fraction, rate: Fraction) -> int:
    """Return the number of the frame shown at pts, the nearest one."""
    numerator = (pts - first_pts) * time_base.numerator * rate.numerator
    denominator = time_base.denominator * rate.denominator
    return (2 * numerator + denominator) // (2 * denominator)


def constant_rate(pts: Sequence[int], time_base: Fraction, candidates: Sequence[Fraction]) -> Fraction | None:
    """Return the first rate at which times in presentation order fall on frames 0, 1, 2, ..., or None.

    Each time may be off by less than half a frame: containers round (Matroska to milliseconds).
    """
    longest = max((b - a for a, b in pairwise(pts)), default=0) * time_base
    for rate in candidates:
        if longest * rate < _LARGEST_STEP and all(
            frame_index(p, pts[0], time_base, rate) == n for n, p in enumerate(pts)
        ):
            return rate
    return None


def unrounded(rate: Fraction) -> Fraction:
    """Undo rounding: Matroska stores nanoseconds, and 60000/1001 comes back as 19001/317."""
    return next((standard for standard in _STANDARD_RATES if abs(standard / rate - 1) < _ROUNDING), rate)


def grid_of(pts: Sequence[int], time_base: Fraction, named: Sequence[Fraction], first_pts: int) -> FrameGrid:
    """Return the grid on which the times of pictures, in presentation order, leave the fewest oddities.

    named: rates that the file names, the most trusted first. first_pts: of frame 0, at most that of the first picture.
    """
    candidates = [unrounded(rate) for rate in named] + _near(named)
    whole = first_pts == pts[0]
    if whole and (rate := constant_rate(pts, time_base, candidates)) is not None:
        return FrameGrid(rate, first_pts, len(pts))
    if whole and (cadence := _cadence(pts, time_base)) is not None:
        return cadence
    step = Counter(b - a for a, b in pairwise(pts)).most_common(1)
    if step and step[0][0] * time_base * _HIGHEST_RATE >= 1:
        usual = 1 / (step[0][0] * time_base)
        candidates = [*_near([*named, usual]), unrounded(usual)]
    candidates = list(dict.fromkeys(candidates)) or [Fraction(25)]
    grids = [_placed(pts, time_base, rate, origin) for rate in candidates for origin in _origins(pts, time_base, rate)]
    if not whole:
        grids = [_placed(pts, time_base, rate, first_pts) for rate in candidates]
    return min(grids, key=lambda grid: (len(grid.crowded) > 0, grid.oddities, len(grid.moved)))


def _near(rates: Sequence[Fraction]) -> list[Fraction]:
    return [standard for rate in rates for standard in _STANDARD_RATES if abs(standard / rate - 1) < Fraction(1, 100)]


def _cadence(pts: Sequence[int], time_base: Fraction) -> FrameGrid | None:
    """The grid of pictures that come in a repeating pattern, such as 24 of 30 a second; None if there is no pattern."""
    steps = Counter(b - a for a, b in pairwise(pts))
    if len(pts) < _CADENCE_PICTURES or sum(steps.values()) - steps.most_common(1)[0][1] < _CADENCE_STEPS:
        return None
    mean = (len(pts) - 1) / ((pts[-1] - pts[0]) * time_base)
    near = [rate for rate in _STANDARD_RATES if abs(rate / mean - 1) < _CADENCE_SPREAD / 10]  # the end cuts a round
    for rate in sorted(near, key=lambda rate: abs(rate - mean)):
        late = [(p - pts[0]) * time_base * rate - n for n, p in enumerate(pts)]
        if max(late) - min(late) <= _CADENCE_SPREAD:
            centre = (max(late) + min(late)) / 2
            return FrameGrid(rate, pts[0] + round(centre / (rate * time_base)), len(pts))
    return None


def _origins(pts: Sequence[int], time_base: Fraction, rate: Fraction) -> list[int]:
    """Times that frame 0 may have: the first picture's, and where most pictures say if the first one is odd."""
    frame = float(1 / (rate * time_base))
    turn = sum(cmath.exp(2j * cmath.pi * ((p - pts[0]) / frame % 1)) for p in pts)
    phase = cmath.phase(turn) / (2 * cmath.pi)
    return [pts[0]] if abs(phase) < _OFF_PHASE else [pts[0], pts[0] + round(phase * frame)]


def _placed(pts: Sequence[int], time_base: Fraction, rate: Fraction, first_pts: int) -> FrameGrid:
    """Put each picture on the nearest frame, or on a free one beside it; nothing moves by a whole frame."""
    frames = [max(0, frame_index(p, first_pts, time_base, rate)) for p in pts]
    moved: dict[int, int] = {}
    crowded: list[int] = []

    def may_move(n: int, to: int) -> bool:
        return abs((pts[n] - first_pts) * time_base * rate - to) < 1

    for n in range(1, len(frames)):
        at = frames[n]
        if at > frames[n - 1]:
            continue
        before = frames[n - 2] if n > 1 else -1
        if at - 1 > before and may_move(n - 1, at - 1):
            frames[n - 1] = moved[pts[n - 1]] = at - 1
        elif (n + 1 == len(frames) or frames[n + 1] > at + 1) and may_move(n, at + 1):
            frames[n] = moved[pts[n]] = at + 1
        else:
            crowded.append(at)
    held = [FrameRange(a + 1, b) for a, b in pairwise([-1, *frames]) if b > a + 1]
    return FrameGrid(rate, first_pts, frames[-1] + 1, tuple(held), moved, tuple(crowded))
