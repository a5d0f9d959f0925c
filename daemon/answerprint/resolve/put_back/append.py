"""Appends an item to a track so that it shows the right frames: it is read back, corrected, or deleted again.

The API's answer to an append is not reliable: a failed append returns an item without an id, last frames are inclusive
or exclusive depending on the version, and lengths are rounded down if rates differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

from answerprint.resolve.api import MediaPool, MediaPoolItem, Resolve, Timeline, TimelineItem, pipelined
from answerprint.resolve.bridge.bridge import BridgeValue
from answerprint.resolve.conform.frame_map import FrameMap
from answerprint.resolve.conform.readback import ASKED, ClipReadback
from answerprint.resolve.put_back.outcome import PlacementError
from answerprint.resolve.put_back.ui_state import delete_items

__all__ = ["Appended", "Appender", "DroppedError", "room_needed"]

_VIDEO_ONLY = 1
_MAX_OFFSET = 2  # frames by which a version of Resolve may begin too late or too early
_SPEED_TOLERANCE = Fraction(1, 100)  # per cent
_NORMAL = Fraction(1)


class DroppedError(PlacementError):
    """After every append, the track was as before."""


@dataclass(frozen=True, slots=True)
class Appended:
    """A new item."""

    item: TimelineItem
    id: str


def room_needed(duration: int, speed: Fraction) -> int:
    """Record frames that must be free: an item is appended at normal speed, then retimed."""
    return max(duration, ceil(duration * abs(speed)))


@dataclass(frozen=True, slots=True)
class Appender:
    """Appends items of one clip to one video track of the open timeline. still: the clip is a single picture."""

    resolve: Resolve
    pool: MediaPool
    timeline: Timeline
    track: int
    clip: MediaPoolItem
    readback: ClipReadback
    still: bool = False

    def append(self, wanted: FrameMap, speed: Fraction = _NORMAL) -> Appended:
        """Append an item. Raises PlacementError, with the track as it was; DroppedError if it may have no room."""
        if self.still:
            return self._append_still(wanted)
        if speed == _NORMAL:
            return self._append_at_normal_speed(wanted)
        kind: type[PlacementError] = DroppedError
        for start, length, speeds in self._plans(wanted, speed):
            straight = FrameMap(wanted.record, length, start, self.readback.ratio)
            if start < 0 or straight.missing(range(self.readback.frames)):
                continue
            try:
                appended = self._append_at_normal_speed(straight)
            except DroppedError:
                continue
            except PlacementError:
                kind = PlacementError
                continue
            kind = PlacementError
            for each in speeds:
                appended.item.set_speed(float(each * 100))
            if self._is_right(appended.item, wanted, speed):
                return appended
            self._delete(appended.item)
        raise kind(
            f"Resolve could not retime the restored clip to {float(speed * 100):g} % with the frames of the original.",
            "Drag it from its bin and retime it by hand.",
        )

    def _append_at_normal_speed(self, wanted: FrameMap) -> Appended:
        nearest: FrameMap | None = None
        dropped, elsewhere = True, False
        for number in dict.fromkeys((self.readback.number, 0)):
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
                    appended, shown = fitted
                    if shown is not None and shown.shows_as(wanted):
                        return appended
                    self._delete(appended.item)
                    if shown is None or not 0 < abs(off := shown.start - start) <= _MAX_OFFSET:
                        break
                    nearest, shift = shown, -off
        if dropped:
            raise DroppedError(
                "Resolve could not append the restored clip above the original: the track stayed as it was."
            )
        if nearest is None and elsewhere:
            raise PlacementError("Resolve could not append the restored clip over the record frames of the original.")
        raise PlacementError(_why(wanted, nearest))

    def _append_still(self, wanted: FrameMap) -> Appended:
        fitted, dropped = self._fit(wanted, Fraction(0), still=True)
        if fitted is None:
            text = "Resolve could not append the restored picture over the original."
            raise (DroppedError if dropped else PlacementError)(text)
        return fitted[0]

    def _fit(
        self, wanted: FrameMap, sent: Fraction, still: bool = False
    ) -> tuple[tuple[Appended, FrameMap | None] | None, bool]:
        """Append an item over the right record frames; the item with the frames it shows, or None if that failed.

        Also whether it failed because Resolve dropped every append.
        """
        dropped = True
        short: Fraction | None = None
        long: Fraction | None = None
        span = FrameMap(wanted.record, wanted.duration, sent, _NORMAL) if still else wanted
        for last in span.lasts(sent):
            if (short is not None and last <= short) or (long is not None and last >= long):
                continue
            appended = self._append_frames(sent, last, wanted.record)
            if appended is None:
                continue
            dropped = False
            with pipelined([appended.item], *ASKED):
                start, duration = appended.item.start(), appended.item.duration()
                if start == wanted.record and duration == wanted.duration:
                    shown = (
                        None if still or not appended.id else self.readback.shown_over(appended.item, start, duration)
                    )
                    return (appended, shown), False
            self._delete(appended.item)
            if start != wanted.record or duration is None:
                return None, False
            if duration < wanted.duration:
                short = last if short is None else max(short, last)
            else:
                long = last if long is None else min(long, last)
        return None, dropped

    def _append_frames(self, first: Fraction, last: Fraction, record: int) -> Appended | None:
        """Append source frames at a record frame; the new item on the track, None if Resolve dropped it."""
        before = self.timeline.items(self.track)
        entry: dict[str, BridgeValue] = {
            "mediaPoolItem": self.clip.remote,
            "startFrame": _number(first),
            "endFrame": _number(last),
            "mediaType": _VIDEO_ONLY,
            "trackIndex": self.track,
            "recordFrame": record,
        }
        returned = self.pool.append([entry])
        with pipelined(returned, ("GetUniqueId",)):
            after = self.timeline.items(self.track)
            # A failed append returns an item without an id.
            ids = [item.id() for item in returned]
        if len(ids) == 1 and ids[0] and len(after) == len(before) + 1:
            return Appended(returned[0], ids[0])
        if not any(ids) and len(after) == len(before):
            return None
        # If in doubt, what is on the track counts.
        there = {item.id() for item in before}
        new = [Appended(item, id_) for item in after if (id_ := item.id()) not in there]
        return next((appended for appended in new if appended.item.start() == record), new[0] if new else None)

    def _is_right(self, item: TimelineItem, wanted: FrameMap, speed: Fraction) -> bool:
        actual = item.speed()
        if actual is None or abs(Fraction(actual) - speed * 100) > _SPEED_TOLERANCE:
            return False
        shown = self.readback.shown(item, speed)
        return shown is not None and shown.shows_as(wanted)

    def _plans(self, wanted: FrameMap, speed: Fraction) -> Iterator[tuple[Fraction, int, tuple[Fraction, ...]]]:
        """First frame, record frames at normal speed, and the speeds to set one after another."""
        length = ceil(wanted.duration * abs(speed))
        if speed > 0:
            yield wanted.start, length, (speed,)
        elif speed < 0:
            # A reversed item may begin at its former end, or run backwards from its start.
            yield wanted.start - (length - 1) * self.readback.ratio, length, (speed,)
            yield wanted.start, length, (speed,)
        else:
            most = floor((self.readback.frames - wanted.start) / self.readback.ratio)
            if most >= wanted.duration:
                yield wanted.start, wanted.duration, (speed,)
            elif most > 0:
                # Append all frames, stretch the item, then freeze it, which keeps its length.
                yield wanted.start, most, (Fraction(most) / (wanted.duration + Fraction(1, 2)), speed)

    def _delete(self, item: TimelineItem) -> None:
        if not delete_items(self.resolve, self.timeline, self.track, [item]):
            raise PlacementError(
                f"An item with wrong frames is on track {self.track} and cannot be removed.", "Remove it by hand."
            )


def _number(value: Fraction) -> int | float:
    return value.numerator if value.denominator == 1 else float(value)


def _why(wanted: FrameMap, nearest: FrameMap | None) -> str:
    if nearest is None:
        return "The frames of the restored clip cannot be aligned with those of the original."
    k = next((k for k in range(wanted.duration) if nearest.frame(k) != wanted.frame(k)), 0)
    return f"Resolve would show frame {nearest.frame(k)} of the restored clip where frame {wanted.frame(k)} belongs."
