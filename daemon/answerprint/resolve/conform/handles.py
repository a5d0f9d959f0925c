"""How much of a clip is restored: handles, what a longer cut lacks, and the size in px; pure arithmetic."""

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
    """frames: all frames to restore, from 0 of the file. before, after: how many of them the item does not show."""

    frames: FrameRange
    before: int
    after: int


def with_handles(source: SourceRange, of_file: int, wanted: int = DEFAULT_HANDLES) -> Handles:
    """Add up to `wanted` frames on both sides, within the file: the bounds of a subclip do not matter.

    of_file: frames of the file. Raises InputError if `wanted` is negative.
    """
    if wanted < 0:
        raise InputError(f"--handles cannot be {wanted}.", "Give 0 or more frames.")
    first, stop = max(0, source.first - wanted), min(of_file, source.stop + wanted)
    return Handles(FrameRange(first, stop), source.first - first, stop - source.stop)


def retrim(asked: FrameRange, have: Iterable[FrameRange]) -> list[FrameRange]:
    """The parts of a range that none of the ranges in `have` covers, in order."""
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
"""The largest scale of the models that are shipped."""


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
    """Width and height in px to restore a source of `source` px: as large as the timeline shows it, both even.

    The source is fitted inside the timeline's frame by its pixel aspect, which the restored clip keeps. The result is
    never smaller than the source, since the item may be zoomed, and never larger than the model allows. scale, size:
    override this. Raises InputError if the model cannot reach them.
    """
    if size is not None:
        wanted = max(Fraction(size[0], source[0]), Fraction(size[1], source[1]))
        if wanted > largest:
            message = _TOO_LARGE.format(f"{size[0]}x{size[1]}", float(wanted), float(largest))
            raise InputError(message, "Choose a smaller size.")
        return size
    if scale is not None:
        if not 0 < scale <= largest:
            message = _TOO_LARGE.format(f"--scale {scale}", float(scale), float(largest))
            raise InputError(message, f"Choose a scale above 0, up to {float(largest):.3g}.")
        factor = scale
    else:
        width = timeline[0] * timeline_aspect / (source[0] * aspect)
        factor = min(largest, max(Fraction(1), min(width, Fraction(timeline[1], source[1]))))
    return _even(source[0] * factor), _even(source[1] * factor)


_TOO_LARGE = "{} is {:.3g} times the source; the model's limit is {:.3g} times."


def _even(side: Fraction) -> int:
    return max(2, 2 * round(side / 2))
