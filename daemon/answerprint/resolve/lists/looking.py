"""Looking into the files that a list names, each one once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from ...errors import InputError
from ...jobs.api import MediaInfo
from ..reading.facts import SourceRange
from .entries import Probe
from .files import AmbiguousError, MediaFolder, locate

__all__ = ["Looking", "within"]


@dataclass(slots=True)
class Looking:
    """base: the folder of the list, for relative paths. folder: where media lie whose path the list does not know."""

    probe: Probe
    base: Path
    folder: MediaFolder | None
    _facts: dict[tuple[Path, Fraction], MediaInfo | InputError] = field(default_factory=dict)
    _places: dict[str, Path | InputError] = field(default_factory=dict)

    def find(self, texts: Sequence[str], rate: Fraction) -> tuple[Path, MediaInfo]:
        """What the first of several paths, URLs or names means that means anything. rate: of pictures.

        Raises InputError: why the first means nothing, or that one may mean several files.
        """
        reasons: list[InputError] = []
        for text in texts:
            path = self._locate(text)
            if isinstance(path, AmbiguousError):
                raise path
            if isinstance(path, Path):
                return path, self._look(path, rate)
            reasons.append(path)
        if reasons:
            raise reasons[0]
        raise InputError("The list names no file, clip or reel.", "Restore the clip in Resolve.")

    def _locate(self, text: str) -> Path | InputError:
        found = self._places.get(text)
        if found is None:
            try:
                found = locate(text, self.base, self.folder)
            except InputError as error:
                found = error
            self._places[text] = found
        return found

    def _look(self, path: Path, rate: Fraction) -> MediaInfo:
        found = self._facts.get((path, rate))
        if found is None:
            try:
                found = self.probe(path, rate)
            except InputError as error:
                found = error
            self._facts[path, rate] = found
        if isinstance(found, InputError):
            raise found
        return found


def within(source: SourceRange, media: MediaInfo, path: Path) -> SourceRange:
    """The range, if the media has it. Raises InputError."""
    if source.first < 0 or source.stop > media.frames or len(source) < 1:
        raise InputError(
            f"It shows frames {source.first} to {source.stop - 1} of {path.name}, which has {media.frames}.",
            "This is another file than the one that was edited, or its timecode was changed.",
        )
    return source
