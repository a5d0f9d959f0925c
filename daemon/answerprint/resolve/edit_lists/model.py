"""What a list says: its entries, each with the frames of a file that it shows, or why they are not known.

One restored file for each source, however often and in how many pieces a list uses it.

Restored files, as a list needs to know them.

Rates as people and programs write them, made exact.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal, TypeAlias

from answerprint.api.types import MediaInfo
from answerprint.errors import InputError
from answerprint.resolve.conform.facts import SourceRange

__all__ = ["Chosen", "EditList", "ListEntry", "Master", "Probe", "RestoredMedia", "Side", "exact_rate", "masters"]

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


_Extent: TypeAlias = tuple[int, int, "ListEntry"]


@dataclass(frozen=True, slots=True)
class Master:
    """Frames of a file to restore in one piece, from 0 of the file, stop exclusive; handles are inside."""

    path: Path
    first: int
    stop: int
    entries: tuple[ListEntry, ...]


def masters(entries: Iterable[ListEntry], handles: int = 0) -> list[Master]:
    """Join what overlaps or touches; refused entries are left out.

    handles: frames to add at both ends, as far as the file has them.
    """
    by_file: dict[Path, list[_Extent]] = defaultdict(list)
    for entry in entries:
        if entry.path is not None and entry.source is not None and entry.media is not None and not entry.refusal:
            first = max(0, entry.source.first - handles)
            stop = min(entry.media.frames, entry.source.stop + handles)
            by_file[entry.path].append((first, stop, entry))
    return [master for path, used in by_file.items() for master in _joined(path, used)]


def _joined(path: Path, extents: list[_Extent]) -> list[Master]:
    pieces: list[tuple[int, int, list[ListEntry]]] = []
    for first, stop, entry in sorted(extents, key=lambda each: each[:2]):
        if pieces and first <= pieces[-1][1]:
            start, end, used = pieces[-1]
            used.append(entry)
            pieces[-1] = (start, max(end, stop), used)
        else:
            pieces.append((first, stop, [entry]))
    return [Master(path, first, stop, tuple(used)) for first, stop, used in pieces]


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


_HIGHEST = 1000
_NTSC = tuple(Fraction(1000 * base, 1001) for base in (24, 30, 48, 60, 96, 120))
_ROUNDING = Fraction(6, 1000)  # 23.98 for 24000/1001; 24 lies further away


def exact_rate(written: float | str) -> Fraction:
    """The rate that is meant: 23.98 and 23.976 are 24000/1001, and `30000/1001` is itself.

    Raises InputError for what is no rate.
    """
    try:
        if isinstance(written, float) and not math.isfinite(written):
            raise ValueError
        rate = Fraction(written.strip() if isinstance(written, str) else written)
    except (ValueError, ZeroDivisionError):
        raise InputError(f"{written} is not a frame rate.", "Write it as 25, 23.976 or 30000/1001.") from None
    if not 0 < rate <= _HIGHEST:
        raise InputError(f"{written} is not a frame rate.", f"Rates above 0 and up to {_HIGHEST} can be used.")
    if rate.denominator == 1:
        return rate
    nearest = min(_NTSC, key=lambda each: abs(each - rate))
    if abs(nearest - rate) < _ROUNDING:
        return nearest
    return rate.limit_denominator(1001)
