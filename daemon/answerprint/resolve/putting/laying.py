"""An item onto a track, so that it shows frame for frame what it should: laid, read back, corrected, or taken off.

What the API says of an append is not believed: an item that could not be laid comes back hollow, last frames are
inclusive or not depending on the version, and lengths are rounded down where rates differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

from ..api import Clip, Item, MediaPool, Resolve, Timeline
from ..link.bridge import Value
from .asfound import delete_items
from .frames import Shown
from .outcome import RefusedError
from .readback import Reader

__all__ = ["Layer", "room_needed"]

_VIDEO_ONLY = 1
_MOST_OFF = 2  # frames by which a version may begin too late or too early
_SPEED_TOLERANCE = Fraction(1, 100)  # per cent
_NORMAL = Fraction(1)


def room_needed(duration: int, speed: Fraction) -> int:
    """Record frames that have to be free: an item is laid at normal speed before it is retimed."""
    return max(duration, ceil(duration * abs(speed)))


@dataclass(frozen=True, slots=True)
class Layer:
    """Lays items of one clip onto one video track of the open timeline. still: the clip is a single picture."""

    resolve: Resolve
    pool: MediaPool
    timeline: Timeline
    track: int
    clip: Clip
    reader: Reader
    still: bool = False

    def lay(self, wanted: Shown, speed: Fraction = _NORMAL) -> Item:
        """The new item. Raises RefusedError, with the track as it was."""
        if self.still:
            return self._lay_still(wanted)
        if speed == _NORMAL:
            return self._lay_straight(wanted)
        for start, length, speeds in self._plans(wanted, speed):
            straight = Shown(wanted.record, length, start, self.reader.ratio)
            if start < 0 or straight.missing(range(self.reader.frames)):
                continue
            try:
                item = self._lay_straight(straight)
            except RefusedError:
                continue
            for each in speeds:
                item.set_speed(float(each * 100))
            if self._is(item, wanted, speed):
                return item
            self._take_off(item)
        raise RefusedError(
            f"Resolve does not retime the restored clip to {float(speed * 100):g} % with the frames of the original.",
            "Drag it from its bin and retime it by hand.",
        )

    def _lay_straight(self, wanted: Shown) -> Item:
        nearest: Shown | None = None
        for number in dict.fromkeys((self.reader.number, 0)):
            for start in wanted.starts():
                shift = Fraction(0)
                for _ in range(2):
                    if start + shift < 0 or (laid := self._fit(wanted, start + shift + number)) is None:
                        break
                    item, shown = laid
                    if shown is not None and shown.shows_as(wanted):
                        return item
                    self._take_off(item)
                    if shown is None or not 0 < abs(off := shown.start - start) <= _MOST_OFF:
                        break
                    nearest, shift = shown, -off
        raise RefusedError(_why(wanted, nearest))

    def _lay_still(self, wanted: Shown) -> Item:
        laid = self._fit(wanted, Fraction(0), still=True)
        if laid is None:
            raise RefusedError("Resolve does not lay the restored picture where the original is.")
        return laid[0]

    def _fit(self, wanted: Shown, sent: Fraction, still: bool = False) -> tuple[Item, Shown | None] | None:
        """An item over the right record frames, and what it shows; None where none can be had."""
        short: Fraction | None = None
        long: Fraction | None = None
        asked = Shown(wanted.record, wanted.duration, sent, _NORMAL) if still else wanted
        for last in asked.lasts(sent):
            if (short is not None and last <= short) or (long is not None and last >= long):
                continue
            item = self._append(sent, last, wanted.record)
            if item is None:
                continue
            start, duration = item.start(), item.duration()
            if start == wanted.record and duration == wanted.duration:
                return item, None if still else self.reader.shown(item)
            self._take_off(item)
            if start != wanted.record or duration is None:
                return None
            if duration < wanted.duration:
                short = last if short is None else max(short, last)
            else:
                long = last if long is None else min(long, last)
        return None

    def _append(self, first: Fraction, last: Fraction, record: int) -> Item | None:
        """The item that is on the track afterwards and was not before; None where it was dropped."""
        before = {item.id() for item in self.timeline.items(self.track)}
        entry: dict[str, Value] = {
            "mediaPoolItem": self.clip.remote,
            "startFrame": _number(first),
            "endFrame": _number(last),
            "mediaType": _VIDEO_ONLY,
            "trackIndex": self.track,
            "recordFrame": record,
        }
        self.pool.append([entry])
        new = [item for item in self.timeline.items(self.track) if item.id() not in before]
        return new[0] if new else None

    def _is(self, item: Item, wanted: Shown, speed: Fraction) -> bool:
        said = item.speed()
        if said is None or abs(Fraction(said) - speed * 100) > _SPEED_TOLERANCE:
            return False
        shown = self.reader.shown(item, speed)
        return shown is not None and shown.shows_as(wanted)

    def _plans(self, wanted: Shown, speed: Fraction) -> Iterator[tuple[Fraction, int, tuple[Fraction, ...]]]:
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

    def _take_off(self, item: Item) -> None:
        if not delete_items(self.resolve, self.timeline, self.track, [item]):
            raise RefusedError(
                f"An item that does not fit lies on track {self.track} and cannot be removed.", "Remove it by hand."
            )


def _number(value: Fraction) -> int | float:
    return value.numerator if value.denominator == 1 else float(value)


def _why(wanted: Shown, nearest: Shown | None) -> str:
    if nearest is None:
        return "Resolve cannot lay the restored clip over the original: their frames begin at other times."
    return (
        f"Resolve would show frame {nearest.frame(0)} of the restored clip where frame {wanted.frame(0)} belongs,"
        " or another one later."
    )
