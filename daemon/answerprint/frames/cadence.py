"""Frames of a source, and frames of the clip that is read from it where they are not the same ones."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from math import ceil, floor

from answerprint.errors import InputError
from answerprint.frames.clip import Cadence, ClipInfo
from answerprint.frames.frame import FrameRange
from answerprint.frames.timecode import Timecode

__all__ = ["as_stored", "at_cadence", "clip_range", "stored_range"]

_LABEL = re.compile(r"(\d+:\d+:\d+)([:;])(\d+)")


def at_cadence(source: ClipInfo, cadence: Cadence) -> ClipInfo:
    """The clip that is read from a source: with its own number of frames, rate and timecode, and the same length.

    Frame 0 keeps hours, minutes and seconds of its label.
    """
    if cadence is Cadence.FRAME:
        return source
    rate = source.rate * _FACTORS[cadence]
    return replace(
        source,
        cadence=cadence,
        stored=source,
        rate=rate,
        frames=ceil(source.frames * _FACTORS[cadence]),
        start_timecode=_label_at(source.start_timecode, source.rate, rate),
    )


def as_stored(clip: ClipInfo) -> ClipInfo:
    """The clip with the frames, rate and timecode of its source, and else as it is."""
    source = clip.stored
    if source is None:
        return clip
    return replace(
        clip,
        cadence=Cadence.FRAME,
        stored=None,
        rate=source.rate,
        frames=source.frames,
        start_timecode=source.start_timecode,
    )


def clip_range(clip: ClipInfo, frames: FrameRange) -> FrameRange:
    """The frames of a clip that show any part of these frames of its source."""
    factor = _FACTORS[clip.cadence]
    stop = min(clip.frames, ceil(frames.stop * factor))
    return FrameRange(min(stop, floor(frames.start * factor)), stop)


def stored_range(clip: ClipInfo, frames: FrameRange) -> FrameRange:
    """The frames of its source that these frames of a clip come of."""
    factor = _FACTORS[clip.cadence]
    return FrameRange(floor(frames.start / factor), ceil(frames.stop / factor))


_FACTORS = {
    Cadence.FRAME: Fraction(1),
    Cadence.FIELD: Fraction(2),
    Cadence.MATCHED: Fraction(1),
    Cadence.FILM: Fraction(4, 5),
}


def _label_at(label: str | None, rate: Fraction, new: Fraction) -> str | None:
    """The label of the same moment at another rate; None without one."""
    match = _LABEL.fullmatch(label or "")
    if match is None:
        return None
    number = int(match[3]) * round(new) // round(rate)
    for separator in (match[2], ":"):  # drop-frame does not exist at all rates
        try:
            return str(Timecode.parse(f"{match[1]}{separator}{number:02}", new))
        except InputError:
            continue
    return None
