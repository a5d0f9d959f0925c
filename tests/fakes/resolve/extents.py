"""What Resolve says of where an item lies, and of what it shows: with all that was measured of it."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor

from fakes.resolve.calls import Node, api
from fakes.resolve.clip import Clip
from fakes.resolve.shown_frames import Warp

__all__ = ["ExtentCalls"]


class ExtentCalls(Node):
    """Of an item; one that is on no track says None."""

    start: int
    duration: int
    reads_low: bool

    @property
    def stop(self) -> int:
        """The record frame after the last one."""
        return self.start + self.duration

    @property
    def hollow(self) -> bool:
        """Whether it is on no track."""
        raise NotImplementedError

    @property
    def clip(self) -> Clip | None:
        """What is seen."""
        raise NotImplementedError

    @property
    def shown_warp(self) -> Warp:
        """The map of what is seen."""
        raise NotImplementedError

    @api()
    def GetStart(self, subframe_precision: bool = False) -> float | None:
        return None if self.hollow else _number(Fraction(self.start), subframe_precision)

    @api()
    def GetEnd(self, subframe_precision: bool = False) -> float | None:
        return None if self.hollow else _number(Fraction(self.stop), subframe_precision)

    @api()
    def GetDuration(self, subframe_precision: bool = False) -> float | None:
        return None if self.hollow else _number(Fraction(self.duration), subframe_precision)

    @api()
    def GetLeftOffset(self, subframe_precision: bool = False) -> float | None:
        return None if self.hollow else _number(self._left(), subframe_precision)

    @api()
    def GetRightOffset(self, subframe_precision: bool = False) -> float | None:
        return None if self.hollow else _number(self._right(), subframe_precision)

    @api()
    def GetSourceStartFrame(self) -> int | None:
        clip, warp, quirks = self.clip, self.shown_warp, self.world.quirks
        if self.hollow or clip is None:
            return None if self.hollow else 0
        if quirks.source_frames_unknown:
            return 0
        frame = floor(warp.entry)
        low = self.reads_low and warp.ratio == 1 and warp.speed == 1 and frame > clip.first
        return clip.base + frame - low

    @api()
    def GetSourceEndFrame(self) -> int | None:
        clip, warp, quirks = self.clip, self.shown_warp, self.world.quirks
        if self.hollow or clip is None:
            return None if self.hollow else 0
        if quirks.source_frames_unknown:
            return 0
        end = warp.at(self.duration)
        if warp.ratio == 1 or not quirks.end_inclusive_when_mixed:
            return clip.base + ceil(end)
        return clip.base + (ceil(end) - 1 if end > warp.entry else warp.shown(self.duration - 1))

    @api(since=(18, 5))
    def GetSourceStartTime(self) -> float | None:
        return self._seconds(self.shown_warp.entry)

    @api(since=(18, 5))
    def GetSourceEndTime(self) -> float | None:
        return self._seconds(self.shown_warp.at(self.duration))

    def _left(self) -> Fraction:
        clip, warp, speed = self.clip, self.shown_warp, self.shown_warp.pieces[0][1]
        if clip is None or not speed:
            return Fraction(0)
        if not self.world.quirks.offsets_in_timeline_frames:
            return warp.entry - clip.first
        before = warp.entry - clip.first if speed > 0 else clip.first + clip.frames - 1 - warp.entry
        return before / (warp.ratio * abs(speed))

    def _right(self) -> Fraction:
        clip, warp, speed = self.clip, self.shown_warp, self.shown_warp.pieces[-1][1]
        if clip is None or not speed:
            return Fraction(0)
        end = warp.at(self.duration)
        after = clip.first + clip.frames - end if speed > 0 else end + 1 - clip.first
        return after / (warp.ratio * abs(speed) if self.world.quirks.offsets_in_timeline_frames else 1)

    def _seconds(self, frame: Fraction) -> float | None:
        if self.hollow or self.clip is None:
            return None
        from_midnight = self.clip.timecode_frames if self.world.quirks.times_absolute else 0
        return float((from_midnight + frame) / self.clip.fps)


def _number(value: Fraction, precise: bool) -> float:
    return float(value) if precise else floor(value)
