"""What the daemon says of media that Resolve names: an eye of its own on every file."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

from ...errors import AnswerprintError
from ...jobs.api import MediaInfo
from ..reading.facts import MediaFacts

__all__ = ["Describe", "MediaBook"]

Describe: TypeAlias = Callable[[Iterable[str]], Iterable[MediaInfo | AnswerprintError]]


class MediaBook:
    """Facts of media by path; each file is looked at once, however many items use it."""

    def __init__(self, describe: Describe) -> None:
        """describe: the daemon's, such as `Client.describe_all`."""
        self._describe = describe
        self._known: dict[str, MediaFacts | AnswerprintError] = {}

    def expect(self, paths: Iterable[str]) -> None:
        """Look at all that will be asked for, which takes less time than one after another."""
        new = [path for path in dict.fromkeys(paths) if path not in self._known]
        for path, info in zip(new, self._describe(new), strict=True):
            self._known[path] = info if isinstance(info, AnswerprintError) else _facts(info)

    def look(self, path: str) -> MediaFacts:
        """Facts of a file, or of a sequence as Resolve writes it (`p.[0001-0100].exr`). Raises AnswerprintError."""
        self.expect([path])
        found = self._known[path]
        if isinstance(found, AnswerprintError):
            raise found
        return found


def _facts(info: MediaInfo) -> MediaFacts:
    return MediaFacts(
        path=info.path,
        kind="sequence" if info.sequence else "file",
        width=info.width,
        height=info.height,
        rate=info.rate,
        frames=info.frames,
        sample_aspect=info.pixel_aspect,
        start_timecode=info.start_timecode,
        start_number=info.start_number,
        interlaced=info.interlaced,
        has_audio=info.audio,
        has_alpha=info.alpha,
        rate_is_assumed=info.rate_is_assumed,
        restored=info.restored,
    )
