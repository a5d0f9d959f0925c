"""Frames beyond those that are seen, and what a longer cut later lacks; pure arithmetic on frames of a file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ...errors import InputError
from ...frames.frame import FrameRange
from .facts import SourceRange

__all__ = ["Handles", "retrim", "with_handles"]

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
