"""What a list says: its entries, each with the frames of a file that it shows, or why they are not known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal, TypeAlias

from ...jobs.api import MediaInfo
from ..reading.facts import SourceRange

__all__ = ["EditList", "ListEntry", "Probe", "Side"]

Probe: TypeAlias = Callable[[Path, Fraction], MediaInfo]
"""Looks into a file or sequence; pictures, which have no rate, get the one that is given.

Raises InputError (MediaError above all) when it cannot be read.
"""

Side = Literal["", "from", "to"]


@dataclass(frozen=True, slots=True)
class ListEntry:
    """One picture on the timeline. Of a dissolve or wipe there are two, each as long as it is seen.

    event: the number in the list (of an OTIO file the clip's place on its track, from 1). side: of a dissolve or wipe.
    record, duration: frames of the timeline, the first one absolute, dissolves included.
    path, source, media: set unless refused; refusal and remedy: why it cannot be restored, "" when it can. missing:
    for want of its medium, which is not there, or cannot be read.
    line: where it stands: the event's line of an EDL from 0, the clip's place in an OTIO file from 0.
    """

    event: str
    name: str
    track: int = 1
    side: Side = ""
    reel: str = ""
    record: int = 0
    duration: int = 0
    path: Path | None = None
    source: SourceRange | None = None
    media: MediaInfo | None = None
    refusal: str = ""
    remedy: str = ""
    line: int = 0
    missing: bool = False


@dataclass(frozen=True, slots=True)
class EditList:
    """A list as read. rate: of the timeline, exact. drop: its record timecode is drop-frame.

    content: the bytes it was read from, which `write_list` changes as little as possible. left_out: events without
    picture, such as audio.
    """

    path: Path
    kind: Literal["edl", "otio"]
    name: str
    rate: Fraction
    drop: bool
    entries: tuple[ListEntry, ...]
    content: bytes
    left_out: int = 0

    @property
    def usable(self) -> tuple[ListEntry, ...]:
        """The entries that can be restored."""
        return tuple(each for each in self.entries if not each.refusal)

    @property
    def refused(self) -> tuple[ListEntry, ...]:
        """The entries that cannot be restored, each with its reason."""
        return tuple(each for each in self.entries if each.refusal)
