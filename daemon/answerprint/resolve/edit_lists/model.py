"""An edit list as data: its entries, the pieces of files to restore for them, and the restored files.

Each piece of a source is restored once, however often the list uses it.
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

__all__ = [
    "ChosenMedia",
    "EditList",
    "EditListProbe",
    "EntrySide",
    "ListEntry",
    "Master",
    "RestoredMedia",
    "exact_rate",
    "masters",
]

EditListProbe: TypeAlias = Callable[[Path, Fraction], MediaInfo]
"""Probes a file or sequence. A sequence has no rate, and gets the one given. Raises InputError, mostly MediaError."""

EntrySide = Literal["", "from", "to"]


@dataclass(frozen=True, slots=True)
class ListEntry:
    """One clip on the timeline. A dissolve or wipe has two, each as long as it is seen.

    event: the event number (in an OTIO file: the clip's position on its track, from 1). side: of a dissolve or wipe.
    record, duration: first record frame (absolute) and record frames, transitions included. path, source, media: set
    unless refused. refusal, remedy: why it cannot be restored, "" if it can. missing: whether its medium is missing or
    not readable. line: the event's line in an EDL, or the clip's index in an OTIO file, from 0.
    """

    event: str
    name: str
    track: int = 1
    side: EntrySide = ""
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
    """A list as read. rate: of the timeline, exact. drop: whether its record timecode is drop-frame.

    content: its bytes, of which `write_list` changes as few as possible. left_out: the number of skipped events without
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
        """The entries that cannot be restored."""
        return tuple(each for each in self.entries if each.refusal)


_Extent: TypeAlias = tuple[int, int, "ListEntry"]


@dataclass(frozen=True, slots=True)
class Master:
    """Frames of a file to restore in one piece, counted from 0 of the file, stop exclusive, with handles."""

    path: Path
    first: int
    stop: int
    entries: tuple[ListEntry, ...]


def masters(entries: Iterable[ListEntry], handles: int = 0) -> list[Master]:
    """Merge entries of a file that overlap or touch; skip refused ones.

    handles: frames to add at both ends, if the file has them.
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
    """A restored file. source: the path of its entry. first: the source frame of its frame 0. media: its own."""

    path: Path
    source: Path
    first: int
    media: MediaInfo

    def has(self, source: SourceRange) -> bool:
        """Whether it holds all of these source frames."""
        return self.first <= source.first and source.stop <= self.first + self.media.frames


ChosenMedia: TypeAlias = dict[tuple[int, EntrySide], RestoredMedia]
"""The restored file of each entry, by its line and side."""


_HIGHEST = 1000
_NTSC = tuple(Fraction(1000 * base, 1001) for base in (24, 30, 48, 60, 96, 120))
_ROUNDING = Fraction(6, 1000)  # 23.98 for 24000/1001; 24 is further away


def exact_rate(written: float | str) -> Fraction:
    """The exact rate: 23.98 and 23.976 become 24000/1001, `30000/1001` stays. Raises InputError if it is no rate."""
    try:
        if isinstance(written, float) and not math.isfinite(written):
            raise ValueError
        rate = Fraction(written.strip() if isinstance(written, str) else written)
    except (ValueError, ZeroDivisionError):
        raise InputError(f"{written} is not a frame rate.", "Write it as 25, 23.976 or 30000/1001.") from None
    if not 0 < rate <= _HIGHEST:
        raise InputError(f"{written} is not a frame rate.", f"Use a rate above 0, up to {_HIGHEST}.")
    if rate.denominator == 1:
        return rate
    nearest = min(_NTSC, key=lambda each: abs(each - rate))
    if abs(nearest - rate) < _ROUNDING:
        return nearest
    return rate.limit_denominator(1001)
