"""A third account of where items lie: the timeline as Resolve exports it, where its numbers leave a doubt."""

from __future__ import annotations

import tempfile
from pathlib import Path

from answerprint.errors import AnswerprintError, InputError
from answerprint.resolve.api import Resolve
from answerprint.resolve.conform.facts import ItemFacts
from answerprint.resolve.conform.source_range import OtioReading
from answerprint.resolve.edit_lists import read_list, steady_speeds
from answerprint.resolve.edit_lists.otio import library
from answerprint.resolve.restore.probe import MediaBook

__all__ = ["OtioReadings"]


class OtioReadings:
    """Answers for items of the open timeline. It is exported once, at the first question, and the file removed."""

    def __init__(self, resolve: Resolve, media: MediaBook) -> None:
        self._resolve, self._media = resolve, media
        self._asked = False
        self._fault: AnswerprintError | None = None
        self._steady: dict[tuple[int, int], bool] = {}
        self._known: dict[tuple[int, int], OtioReading] = {}

    def __call__(self, item: ItemFacts) -> OtioReading | None:
        """What the list says of an item; None where it says nothing, or cannot be had."""
        return self._look().get(_place(item))

    def steady(self, item: ItemFacts) -> bool | None:
        """Whether an item's speed stays the same; None where no list says so.

        Of a speed that changes, Resolve's own calls tell only the mean.
        """
        self._look()
        return self._steady.get(_place(item))

    @property
    def lacking(self) -> AnswerprintError | None:
        """Why the list could not be had, once it was asked for; None where it could, or nobody asked."""
        return self._fault

    def _look(self) -> dict[tuple[int, int], OtioReading]:
        if not self._asked:
            self._asked = True
            # A list that cannot be had decides nothing: an item is then refused, or restored without being placed.
            try:
                library()  # without it, nobody need wait for an export
                with tempfile.TemporaryDirectory() as folder:
                    self._export(Path(folder) / "timeline.otio")
            except AnswerprintError as error:
                if error.code in ("no_resolve", "resolve_hangs"):
                    raise
                self._fault = error
            except OSError as error:
                self._fault = InputError(
                    f"The timeline cannot be exported ({error.strerror}).", "Make room on the disk."
                )
        return self._known

    def _export(self, file: Path) -> None:
        timeline = self._resolve.project().timeline()
        kind, none = (self._resolve.remote.value(name) for name in ("EXPORT_OTIO", "EXPORT_NONE"))
        if not timeline.export(str(file), kind, none) or not file.is_file():
            raise InputError(
                "Resolve does not export the timeline, which would tell.", "Try again with its Edit page open."
            )
        self._steady = steady_speeds(file, file.read_bytes())
        for entry in read_list(file, probe=lambda path, rate: self._media.look(str(path))).entries:
            if entry.source is not None and not entry.side:
                first = entry.source.first + entry.source.offset
                self._known[entry.track, entry.record] = OtioReading(first, entry.source.speed)


def _place(item: ItemFacts) -> tuple[int, int]:
    return item.track, -1 if item.start is None else round(item.start)
