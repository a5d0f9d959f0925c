"""An item onto a track, so that it shows frame for frame what it should: laid, read back, corrected, or taken off.

What the API says of an append is not believed: an item that could not be laid comes back hollow, last frames are
inclusive or not depending on the version, and lengths are rounded down where rates differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

from answerprint.resolve.api import MediaPool, MediaPoolItem, Resolve, Timeline, TimelineItem, pipelined
from answerprint.resolve.bridge.bridge import Value
from answerprint.resolve.conform.frame_map import FrameMap
from answerprint.resolve.conform.readback import ASKED, ClipReadback
from answerprint.resolve.put_back.outcome import PlacementError
from answerprint.resolve.put_back.ui_state import delete_items

__all__ = ["Appended", "Appender", "DroppedError", "room_needed"]

_VIDEO_ONLY = 1
_MOST_OFF = 2  # frames by which a version may begin too late or too early
_SPEED_TOLERANCE = Fraction(1, 100)  # per cent
_NORMAL = Fraction(1)


class DroppedError(PlacementError):
    """Whatever was appended, nothing was on the track afterwards."""


@dataclass(frozen=True, slots=True)
class Appended:
    """A new item."""

    item: TimelineItem
    id: str


def room_needed(duration: int, speed: Fraction) -> int:
    """Record frames that have to be free: an item is laid at normal speed before it is retimed."""
    return max(duration, ceil(duration * abs(speed)))


@dataclass(frozen=True, slots=True)
class Appender:
    """Lays items of one clip onto one video track of the open timeline. still: the clip is a single picture."""

    resolve: Resolve
    pool: MediaPool
    timeline: Timeline
    track: int
    clip: MediaPoolItem
    reader: ClipReadback
    still: bool = False

    def lay(self, wanted: FrameMap, speed: Fraction = _NORMAL) -> Appended:
        """The new item. Raises PlacementError, with the track as it was; DroppedError where that may have no room."""
        if self.still:
            return self._lay_still(wanted)
        if speed == _NORMAL:
            return self._lay_straight(wanted)
        kind: type[PlacementError] = DroppedError
        for start, length, speeds in self._plans(wanted, speed):
            straight = FrameMap(wanted.record, length, start, self.reader.ratio)
            if start < 0 or straight.missing(range(self.reader.frames)):
                continue
            try:
                laid = self._lay_straight(straight)
            except DroppedError:
                continue
            except PlacementError:
                kind = PlacementError
                continue
            kind = PlacementError
            for each in speeds:
                laid.item.set_speed(float(each * 100))
            if self._is(laid.item, wanted, speed):
                return laid
            self._take_off(laid.item)
        raise kind(
            f"Resolve does not retime the restored clip to {float(speed * 100):g} % with the frames of the original.",
            "Drag it from its bin and retime it by hand.",
        )

    def _lay_straight(self, wanted: FrameMap) -> Appended:
        nearest: FrameMap | None = None
        dropped, elsewhere = True, False
        for number in dict.fromkeys((self.reader.number, 0)):
            for start in wanted.starts():
                shift = Fraction(0)
                for _ in range(2):
                    if start + shift < 0:
                        break
                    fitted, nothing = self._fit(wanted, start + shift + number)
                    dropped &= nothing
                    if fitted is None:
                        elsewhere |= not nothing
                        break
                    laid, shown = fitted
                    if shown is not None and shown.shows_as(wanted):
                        return laid
                    self._take_off(laid.item)
                    if shown is None or not 0 < abs(off := shown.start - start) <= _MOST_OFF:
                        break
                    nearest, shift = shown, -off
        if dropped:
            raise DroppedError("Resolve lays nothing over the original: what it appends is not on the track then.")
        if nearest is None and elsewhere:
            raise PlacementError("Resolve does not lay the restored clip over the frames of the original.")
        raise PlacementError(_why(wanted, nearest))

    def _lay_still(self, wanted: FrameMap) -> Appended:
        fitted, dropped = self._fit(wanted, Fraction(0), still=True)
        if fitted is None:
            text = "Resolve does not lay the restored picture where the original is."
            raise (DroppedError if dropped else PlacementError)(text)
        return fitted[0]

    def _fit(
        self, wanted: FrameMap, sent: Fraction, still: bool = False
    ) -> tuple[tuple[Appended, FrameMap | None] | None, bool]:
        """An item over the right record frames, with what it shows; None where none can be had.

        And whether that is so because all were dropped.
        """
        dropped = True
        short: Fraction | None = None
        long: Fraction | None = None
        asked = FrameMap(wanted.record, wanted.duration, sent, _NORMAL) if still else wanted
        for last in asked.lasts(sent):
            if (short is not None and last <= short) or (long is not None and last >= long):
                continue
            laid = self._append(sent, last, wanted.record)
            if laid is None:
                continue
            dropped = False
            with pipelined([laid.item], *ASKED):
                start, duration = laid.item.start(), laid.item.duration()
                if start == wanted.record and duration == wanted.duration:
                    shown = None if still or not laid.id else self.reader.shown_over(laid.item, start, duration)
                    return (laid, shown), False
            self._take_off(laid.item)
            if start != wanted.record or duration is None:
                return None, False
            if duration < wanted.duration:
                short = last if short is None else max(short, last)
            else:
                long = last if long is None else min(long, last)
        return None, dropped

    def _append(self, first: Fraction, last: Fraction, record: int) -> Appended | None:
        """The item that is on the track afterwards and was not before; None where it was dropped."""
        before = self.timeline.items(self.track)
        entry: dict[str, Value] = {
            "mediaPoolItem": self.clip.remote,
            "startFrame": _number(first),
            "endFrame": _number(last),
            "mediaType": _VIDEO_ONLY,
            "trackIndex": self.track,
            "recordFrame": record,
        }
        answered = self.pool.append([entry])
        with pipelined(answered, ("GetUniqueId",)):
            after = self.timeline.items(self.track)
            # An item that could not be laid comes back hollow: without an id.
            ids = [item.id() for item in answered]
        if len(ids) == 1 and ids[0] and len(after) == len(before) + 1:
            return Appended(answered[0], ids[0])
        if not any(ids) and len(after) == len(before):
            return None
        # In doubt, what is on the track counts.
        there = {item.id() for item in before}
        new = [Appended(item, id_) for item in after if (id_ := item.id()) not in there]
        return next((laid for laid in new if laid.item.start() == record), new[0] if new else None)

    def _is(self, item: TimelineItem, wanted: FrameMap, speed: Fraction) -> bool:
        said = item.speed()
        if said is None or abs(Fraction(said) - speed * 100) > _SPEED_TOLERANCE:
            return False
        shown = self.reader.shown(item, speed)
        return shown is not None and shown.shows_as(wanted)

    def _plans(self, wanted: FrameMap, speed: Fraction) -> Iterator[tuple[Fraction, int, tuple[Fraction, ...]]]:
        """Where to begin, how many record frames at normal speed, and which speeds to set one after another."""
        length = ceil(wanted.duration * abs(speed))
        if speed > 0:
            yield wanted.start, length, (speed,)
        elif speed < 0:
            # Reversed it may begin where it ended, or run backwards from where it began.
            yield wanted.start - (length - 1) * self.reader.ratio, length, (speed,)
            yield wanted.start, length, (speed,)
        else:
            most = floor((self.reader.frames - wanted.start) / self.reader.ratio)
            if most >= wanted.duration:
                yield wanted.start, wanted.duration, (speed,)
            elif most > 0:
                # As long as it can be, then stretched, then frozen, which leaves its length alone.
                yield wanted.start, most, (Fraction(most) / (wanted.duration + Fraction(1, 2)), speed)

    def _take_off(self, item: TimelineItem) -> None:
        if not delete_items(self.resolve, self.timeline, self.track, [item]):
            raise PlacementError(
                f"An item that does not fit lies on track {self.track} and cannot be removed.", "Remove it by hand."
            )


def _number(value: Fraction) -> int | float:
    return value.numerator if value.denominator == 1 else float(value)


def _why(wanted: FrameMap, nearest: FrameMap | None) -> str:
    if nearest is None:
        return "Resolve cannot lay the restored clip over the original: their frames begin at other times."
    k = next((k for k in range(wanted.duration) if nearest.frame(k) != wanted.frame(k)), 0)
    return f"Resolve would show frame {nearest.frame(k)} of the restored clip where frame {wanted.frame(k)} belongs."
