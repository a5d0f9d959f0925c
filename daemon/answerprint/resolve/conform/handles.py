"""Frames beyond those that are seen, and what a longer cut later lacks; pure arithmetic on frames of a file.

The size in which a clip is restored for a timeline.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from answerprint.errors import InputError
from answerprint.frames.frame import FrameRange
from answerprint.resolve.conform.facts import SourceRange

__all__ = ["LARGEST_SCALE", "Handles", "frame_size", "retrim", "with_handles"]

DEFAULT_HANDLES = 24


@dataclass(frozen=True, slots=True)
class Handles:
    """frames: all to restore, from 0 of the file. before, after: how many of them lie outside of what is seen."""

    frames: FrameRange
    before: int
    after: int


def with_handles(source: SourceRange, of_file: int, wanted: int = DEFAULT_HANDLES) -> Handles:
    """Add up to `wanted` frames on both sides, as far as the file goes: a subclip's bounds do not matter.

    of_file: frames of the file. Raises InputError for a number that cannot be meant.
    """
    if wanted < 0:
        raise InputError(f"--handles cannot be {wanted}.", "Give 0 or more frames.")
    first, stop = max(0, source.first - wanted), min(of_file, source.stop + wanted)
    return Handles(FrameRange(first, stop), source.first - first, stop - source.stop)


def retrim(asked: FrameRange, have: Iterable[FrameRange]) -> list[FrameRange]:
    """The parts of a range that are in none of those that were restored before with the same settings, in order."""
    missing, at = [], asked.start
    for part in sorted(have, key=lambda each: each.start):
        if len(part) == 0 or part.stop <= at:
            continue
        if part.start >= asked.stop:
            break
        if part.start > at:
            missing.append(FrameRange(at, part.start))
        at = part.stop
    if at < asked.stop:
        missing.append(FrameRange(at, asked.stop))
    return missing


LARGEST_SCALE = Fraction(4)
"""What the models that are shipped can do."""


def frame_size(
    source: tuple[int, int],
    timeline: tuple[int, int],
    *,
    aspect: Fraction = Fraction(1),
    timeline_aspect: Fraction = Fraction(1),
    scale: Fraction | None = None,
    size: tuple[int, int] | None = None,
    largest: Fraction = LARGEST_SCALE,
) -> tuple[int, int]:
    """Width and height in px for a source of `source` px: as large as the timeline shows it, both even.

    The source is fitted inside the timeline's frame, as its pixels' aspect has it, which the restored clip keeps. It is
    never made smaller than it is, since the item may be zoomed into, nor larger than the model can. scale, size: what
    was asked for instead. Raises InputError for what the model cannot do.
    """
    if size is not None:
        wanted = max(Fraction(size[0], source[0]), Fraction(size[1], source[1]))
        if wanted > largest:
            raise InputError(_TOO_LARGE.format(f"{size[0]}x{size[1]}", float(wanted), float(largest)), "Ask for less.")
        return size
    if scale is not None:
        if not 0 < scale <= largest:
            raise InputError(_TOO_LARGE.format(f"--scale {scale}", float(scale), float(largest)), "Ask for less.")
        factor = scale
    else:
        width = timeline[0] * timeline_aspect / (source[0] * aspect)
        factor = min(largest, max(Fraction(1), min(width, Fraction(timeline[1], source[1]))))
    return _even(source[0] * factor), _even(source[1] * factor)


_TOO_LARGE = "{} is {:.3g} times the source, and the model can do {:.3g}."


def _even(side: Fraction) -> int:
    return max(2, 2 * round(side / 2))
