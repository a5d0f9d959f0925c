"""A track of a timeline."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fakes.resolve.item import Item

__all__ = ["Track"]


class Track:
    """Items in the order of time, which never overlap."""

    def __init__(self, kind: str, name: str) -> None:
        self.kind, self.name = kind, name
        self.enabled = True
        self.locked = False
        self.items: list[Item] = []

    def free(self, start: int, stop: int) -> bool:
        """Whether nothing is there."""
        return all(each.stop <= start or each.start >= stop for each in self.items)

    def add(self, item: Item) -> None:
        """Put an item onto it."""
        self.items.append(item)
        self.items.sort(key=lambda each: each.start)
        item.track = self

    def remove(self, item: Item) -> None:
        """Take an item off it."""
        self.items.remove(item)
        item.track = None
        for each in item.linked:
            each.linked = [other for other in each.linked if other is not item]
        item.linked = []

    def room_after(self, item: Item) -> int:
        """How long an item may be before it meets the next one."""
        later = [each.start for each in self.items if each.start >= item.stop and each is not item]
        return min(later, default=10**9) - item.start

    def at(self, frame: int) -> Item | None:
        """What lies at a record frame."""
        return next((each for each in self.items if each.start <= frame < each.stop), None)
