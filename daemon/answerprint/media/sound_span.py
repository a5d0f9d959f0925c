"""Which part of a source's sound belongs to its pictures, also where recordings were joined in one file."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from answerprint.frames.clip import ClipInfo
from answerprint.frames.frame import FrameRange
from answerprint.media.boundary import best_video, demuxed, open_container, reading

__all__ = ["Joint", "SoundSpan", "find_joints", "span_of"]

_FIRST_PACKETS = 32  # more than any codec reorders


@dataclass(frozen=True, slots=True)
class Joint:
    """Where a recording begins in a file: its first picture's time, in s, when it is shown, and where it lies."""

    origin: Fraction
    at: Fraction = Fraction(0)
    offset: int = 0


@dataclass(frozen=True, slots=True)
class SoundSpan:
    """The part of the sound to use, in seconds of the source's time; stop None is all the sound there is.

    end: of the last picture, which sound may outlast.
    """

    start: Fraction
    stop: Fraction | None
    end: Fraction
    from_first_frame: bool

    def samples(self, rate: int) -> tuple[int, int | None]:
        """Number of the first sample, and of the one after the last."""
        return round(self.start * rate), None if self.stop is None else round(self.stop * rate)


def span_of(source: ClipInfo, frames: FrameRange | None, joints: tuple[Joint, ...]) -> SoundSpan:
    """The part of the sound that belongs to a range of frames."""
    chosen = frames or source.whole
    origin = joints[0].origin
    whole = chosen.stop >= source.frames
    end = origin + chosen.stop / source.rate
    return SoundSpan(origin + chosen.start / source.rate, None if whole else end, end, chosen.start == 0)


def find_joints(source: ClipInfo) -> tuple[Joint, ...]:
    """Where times begin, and begin again: recordings that were joined by appending files keep their own times."""
    if source.first_pts is not None:
        return (Joint(source.first_pts * source.time_base),)
    starts: list[tuple[int, int, int]] = []  # first time, packets before, byte offset
    count, begun, last = 0, 0, None
    with open_container(source.path) as container, reading(source.path):
        stream = best_video(container, source.path)
        time_base = stream.time_base or Fraction(1)
        for packet in demuxed(container, stream):
            if packet.size == 0 or packet.is_discard:
                continue
            if packet.pts is None:
                return (Joint(Fraction(0)),)  # a raw stream, or an AVI: pictures can only be counted
            if last is None or (packet.dts is not None and packet.dts < last):
                starts.append((packet.pts, count, packet.pos or 0))
                begun = count
            elif count - begun < _FIRST_PACKETS:
                first, before, offset = starts[-1]
                starts[-1] = (min(first, packet.pts), before, offset)
            last = packet.dts
            count += 1
    if not starts:
        return (Joint(Fraction(0)),)
    return tuple(Joint(first * time_base, before / source.rate, offset) for first, before, offset in starts)
