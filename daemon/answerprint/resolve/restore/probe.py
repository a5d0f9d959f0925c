"""Facts of media files, probed by the daemon independently of Resolve."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

from answerprint.api.types import MediaInfo
from answerprint.errors import AnswerprintError

__all__ = ["Describe", "MediaBook"]

Describe: TypeAlias = Callable[[Iterable[str]], Iterable[MediaInfo | AnswerprintError]]


class MediaBook:
    """Facts of media by path; each file is probed once, however many items use it."""

    def __init__(self, describe: Describe) -> None:
        """describe: the daemon's, such as `Client.describe_all`."""
        self._describe = describe
        self._known: dict[str, MediaInfo | AnswerprintError] = {}

    def expect(self, paths: Iterable[str]) -> None:
        """Probe all of these at once, which takes less time than one after another."""
        new = [path for path in dict.fromkeys(paths) if path not in self._known]
        self._known.update(zip(new, self._describe(new), strict=True))

    def look(self, path: str) -> MediaInfo:
        """Facts of a file, or of a sequence as Resolve writes it (`p.[0001-0100].exr`). Raises AnswerprintError."""
        self.expect([path])
        found = self._known[path]
        if isinstance(found, AnswerprintError):
            raise found
        return found
