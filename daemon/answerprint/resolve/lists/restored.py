"""Restored files, as a list needs to know them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from ...jobs.api import MediaInfo
from ..reading.facts import SourceRange
from .entries import Side

__all__ = ["Chosen", "RestoredMedia"]


@dataclass(frozen=True, slots=True)
class RestoredMedia:
    """A restored file. source: the path of an entry.

    first: frame of the source that its frame 0 is. media: of itself.
    """

    path: Path
    source: Path
    first: int
    media: MediaInfo

    def has(self, source: SourceRange) -> bool:
        """Whether all of these frames of the source are in it."""
        return self.first <= source.first and source.stop <= self.first + self.media.frames


Chosen: TypeAlias = dict[tuple[int, Side], RestoredMedia]
"""By line and side of an entry."""
