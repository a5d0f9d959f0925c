"""One restored file for each source, however often and in how many pieces a list uses it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from .entries import ListEntry

__all__ = ["Master", "masters"]

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
