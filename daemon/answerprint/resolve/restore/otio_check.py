"""A third reading of where items lie: the exported timeline, used if Resolve's own numbers disagree."""

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
    """Readings of items of the open timeline, which is exported once, at the first use; the file is then removed."""

    def __init__(self, resolve: Resolve, media: MediaBook) -> None:
        self._resolve, self._media = resolve, media
        self._asked = False
        self._fault: AnswerprintError | None = None
        self._steady: dict[tuple[int, int], bool] = {}
        self._known: dict[tuple[int, int], OtioReading] = {}

    def __call__(self, item: ItemFacts) -> OtioReading | None:
        """The reading of an item; None if the list has none, or there is no list."""
        return self._look().get(_place(item))

    def steady(self, item: ItemFacts) -> bool | None:
        """Whether an item's speed is constant; None if no list tells.

        For a speed that changes, Resolve's own calls give only the mean.
        """
        self._look()
        return self._steady.get(_place(item))

    @property
    def lacking(self) -> AnswerprintError | None:
        """Why there is no list; None if there is one, or it was not needed yet."""
        return self._fault

    def _look(self) -> dict[tuple[int, int], OtioReading]:
        if not self._asked:
            self._asked = True
            # Without a list nothing is decided: the item is refused, or restored without being placed.
            try:
                library()  # without it, an export is of no use
                with tempfile.TemporaryDirectory() as folder:
                    self._export(Path(folder) / "timeline.otio")
            except AnswerprintError as error:
                if error.code in ("no_resolve", "resolve_hangs"):
                    raise
                self._fault = error
            except OSError as error:
                self._fault = InputError(
                    f"Could not export the timeline ({error.strerror}).", "Free disk space and try again."
                )
        return self._known

    def _export(self, file: Path) -> None:
        timeline = self._resolve.project().timeline()
        kind, none = (self._resolve.remote.value(name) for name in ("EXPORT_OTIO", "EXPORT_NONE"))
        if not timeline.export(str(file), kind, none) or not file.is_file():
            raise InputError("Resolve did not export the timeline.", "Open its Edit page and try again.")
        self._steady = steady_speeds(file, file.read_bytes())
        for entry in read_list(file, probe=lambda path, rate: self._media.look(str(path))).entries:
            if entry.source is not None and not entry.side:
                first = entry.source.first + entry.source.offset
                self._known[entry.track, entry.record] = OtioReading(first, entry.source.speed)


def _place(item: ItemFacts) -> tuple[int, int]:
    return item.track, -1 if item.start is None else round(item.start)
