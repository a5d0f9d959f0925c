"""Media for edit lists: empty files, with what a probe would return for them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from answerprint.api.types import MediaInfo
from answerprint.errors import MediaError

__all__ = ["ListedMedia"]


class ListedMedia:
    """A folder of such media. It knows only files that were added to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self._facts: dict[Path, MediaInfo] = {}

    def put(
        self,
        name: str,
        *,
        rate: Fraction | int = 24,
        frames: int = 1000,
        start: str = "",
        first_number: int | None = None,
    ) -> Path:
        """A movie, or with first_number the pictures of a pattern."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if first_number is None:
            path.touch()
        else:
            for number in range(first_number, first_number + frames):
                (self.folder / (name % number)).touch()
        sequence = first_number is not None
        self._facts[path] = MediaInfo(
            str(path),
            sequence,
            1920,
            1080,
            Fraction(rate),
            frames,
            start_timecode=start,
            start_number=first_number or 0,
            rate_is_assumed=sequence,
        )
        return path

    def probe(self, path: Path, rate: Fraction) -> MediaInfo:
        """What is known of a file. Raises MediaError."""
        if path not in self._facts:
            raise MediaError(f"{path} is no movie.")
        return self._facts[path]
