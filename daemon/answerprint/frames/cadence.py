"""Frames of a source, and frames of the clip that is read from it where they are not the same ones."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction

from answerprint.errors import InputError
from answerprint.frames.clip import Cadence, ClipInfo
from answerprint.frames.frame import FrameRange
from answerprint.frames.timecode import Timecode

__all__ = ["at_cadence", "clip_range", "stored_range"]

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
        frames=_stop(cadence, source.frames),
        start_timecode=_label_at(source.start_timecode, source.rate, rate),
    )


def clip_range(clip: ClipInfo, frames: FrameRange) -> FrameRange:
    """The frames of a clip that show any part of these frames of its source."""
    stop = min(clip.frames, _stop(clip.cadence, frames.stop))
    return FrameRange(min(stop, _start(clip.cadence, frames.start)), stop)


def stored_range(clip: ClipInfo, frames: FrameRange) -> FrameRange:
    """The frames of its source that these frames of a clip come of."""
    start, stop = frames.start, frames.stop
    if clip.cadence is Cadence.FIELD:
        start, stop = start // 2, -(-stop // 2)
    return FrameRange(start, stop)


_FACTORS = {Cadence.FRAME: Fraction(1), Cadence.FIELD: Fraction(2)}


def _start(cadence: Cadence, frame: int) -> int:
    return 2 * frame if cadence is Cadence.FIELD else frame


def _stop(cadence: Cadence, frame: int) -> int:
    return 2 * frame if cadence is Cadence.FIELD else frame


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
