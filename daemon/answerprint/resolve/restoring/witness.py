"""A third account of where items lie: the timeline as Resolve exports it, where its numbers leave a doubt."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

from ...errors import AnswerprintError
from ..api import Resolve
from ..lists import read_list, steady_speeds
from ..reading.facts import ItemFacts
from ..reading.source import Witness
from .media import MediaBook

__all__ = ["Witnesses"]


class Witnesses:
    """Answers for items of the open timeline. It is exported once, at the first question, and the file removed."""

    def __init__(self, resolve: Resolve, media: MediaBook) -> None:
        self._resolve, self._media = resolve, media
        self._asked = False
        self._steady: dict[tuple[int, int], bool] = {}
        self._known: dict[tuple[int, int], Witness] = {}

    def __call__(self, item: ItemFacts) -> Witness | None:
        """What the list says of an item; None where it says nothing, or cannot be had."""
        return self._look().get(_place(item))

    def steady(self, item: ItemFacts) -> bool | None:
        """Whether an item's speed stays the same; None where no list says so.

        Of a speed that changes, Resolve's own calls tell only the mean.
        """
        self._look()
        return self._steady.get(_place(item))

    def _look(self) -> dict[tuple[int, int], Witness]:
        if not self._asked:
            self._asked = True
            # A list that cannot be had decides nothing: an item is then refused, or restored without being placed.
            with contextlib.suppress(AnswerprintError, OSError), tempfile.TemporaryDirectory() as folder:
                self._export(Path(folder) / "timeline.otio")
        return self._known

    def _export(self, file: Path) -> None:
        timeline = self._resolve.project().timeline()
        kind, none = (self._resolve.remote.value(name) for name in ("EXPORT_OTIO", "EXPORT_NONE"))
        if not timeline.export(str(file), kind, none) or not file.is_file():
            return
        self._steady = steady_speeds(file, file.read_bytes())
        for entry in read_list(file, probe=lambda path, rate: self._media.look(str(path))).entries:
            if entry.source is not None and not entry.side:
                first = entry.source.first + entry.source.offset
                self._known[entry.track, entry.record] = Witness(first, entry.source.speed)


def _place(item: ItemFacts) -> tuple[int, int]:
    return item.track, -1 if item.start is None else round(item.start)
