"""Takes: several clips in one item, of which one is seen."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from fakes.resolve.calls import Node, api
from fakes.resolve.clip import Clip

if TYPE_CHECKING:
    from fakes.resolve.shown_frames import Warp

__all__ = ["Take", "TakeCalls"]


class Take:
    """start, end: frames of the file, both inclusive. entry: what the item's first record frame shows."""

    def __init__(self, clip: Clip | None, start: int, end: int, entry: Fraction) -> None:
        self.clip, self.start, self.end, self.entry = clip, start, end, entry


class TakeCalls(Node):
    """What an item offers for its takes; the first is what it was made of."""

    takes: list[Take]
    take: int
    original: Clip | None
    warp: Warp
    duration: int

    def changeable(self) -> bool:
        """Whether it is on a track that is not locked."""
        raise NotImplementedError

    @api()
    def AddTake(self, mediaPoolItem: Clip, startFrame: int | None = None, endFrame: int | None = None) -> bool:
        """By default all of the clip."""
        clip = mediaPoolItem
        if not self.changeable() or self.original is None or clip.media is None:
            return False
        first = clip.first if startFrame is None else startFrame - clip.base
        last = clip.first + clip.frames - 1 if endFrame is None else endFrame - clip.base
        if not clip.first <= first <= last < clip.first + clip.frames:
            return False
        if self.world.quirks.take_keeps_one_more:
            last += 1
        if not self.takes:
            now = int(self.warp.entry)
            self.takes.append(Take(self.original, now, now + self.duration - 1, self.warp.entry))
            self.take = 1
        self.takes.append(Take(clip, first, last, Fraction(first)))
        return True

    @api()
    def GetTakesCount(self) -> int:
        return len(self.takes)

    @api()
    def GetSelectedTakeIndex(self) -> int:
        return self.take

    @api()
    def GetTakeByIndex(self, idx: int) -> dict[str, Any]:
        if not 1 <= idx <= len(self.takes):
            return {}
        take = self.takes[idx - 1]
        base = take.clip.base if take.clip else 0
        return {"startFrame": base + take.start, "endFrame": base + take.end, "mediaPoolItem": take.clip}

    @api()
    def SelectTakeByIndex(self, idx: int) -> bool:
        if not 1 <= idx <= len(self.takes) or not self.changeable():
            return False
        self.take = idx
        return True

    @api()
    def DeleteTakeByIndex(self, idx: int) -> bool:
        """The selector goes with the last take but one."""
        if not 1 <= idx <= len(self.takes) or idx == self.take or not self.changeable():
            return False
        del self.takes[idx - 1]
        self.take -= self.take > idx
        if len(self.takes) == 1:
            only = self.takes.pop()
            self._settle(only)
        return True

    @api()
    def FinalizeTake(self) -> bool:
        """Make the selected take the item's own; the others are gone."""
        if not self.take or not self.changeable():
            return False
        self._settle(self.takes[self.take - 1])
        return True

    def _settle(self, take: Take) -> None:
        self.original = take.clip
        self.warp = replace(self.warp, entry=take.entry)
        self.takes, self.take = [], 0
