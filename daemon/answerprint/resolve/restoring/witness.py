"""A third account of where items lie: the timeline as Resolve exports it, where its numbers leave a doubt."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from ...errors import AnswerprintError
from ..api import Resolve
from ..lists import read_list
from ..reading.facts import ItemFacts
from ..reading.source import Witness
from .media import MediaBook

__all__ = ["Witnesses"]


class Witnesses:
    """Answers for items of the open timeline. It is exported once, at the first question, and the file removed."""

    def __init__(self, resolve: Resolve, media: MediaBook) -> None:
        self._resolve, self._media = resolve, media
        self._known: dict[tuple[int, int], Witness] | None = None
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def __call__(self, item: ItemFacts) -> Witness | None:
        """What the list says of an item; None where it says nothing, or cannot be had."""
        if self._known is None:
            # A list that cannot be had decides nothing: the item is then refused, or restored without being placed.
            self._known = {}
            with contextlib.suppress(AnswerprintError, OSError):
                self._known = self._export()
        return None if item.start is None else self._known.get((item.track, round(item.start)))

    def _export(self) -> dict[tuple[int, int], Witness]:
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="answerprint-")))
        file = folder / "timeline.otio"
        timeline = self._resolve.project().timeline()
        kind, none = (self._resolve.remote.value(name) for name in ("EXPORT_OTIO", "EXPORT_NONE"))
        if not timeline.export(str(file), kind, none) or not file.is_file():
            return {}
        found = {}
        for entry in read_list(file, probe=lambda path, rate: self._media.look(str(path))).entries:
            if entry.source is not None and not entry.side:
                first = entry.source.first + entry.source.offset
                found[entry.track, entry.record] = Witness(first, entry.source.speed)
        return found
