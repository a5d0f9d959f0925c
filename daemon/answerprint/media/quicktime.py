"""Writes HDR metadata into a finished .mov or .mp4 file.

The muxer takes them from fields that PyAV cannot set, so they are written afterwards: before muxing, the track gets a
name of spaces, whose box then gives its room to the boxes in the description of the pictures. So the table of the
file's contents keeps its size, and the rest of the file does not move.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from answerprint.frames.clip_metadata import HdrMetadata

__all__ = ["NAME_ROOM", "write_hdr"]

NAME_ROOM = " " * 160
"""The track's name that is replaced."""

_ENTRY_HEAD = 86  # of the description of pictures: a box begins after it (ISO 14496-12, 12.1.3)
_ENTRIES_HEAD = 16  # of the table of descriptions, with its count


class _Box(NamedTuple):
    kind: bytes
    start: int
    body: int
    stop: int


def write_hdr(path: Path, hdr: HdrMetadata, name: str) -> None:
    """Add the boxes to the first track whose name is `NAME_ROOM`, and call it `name`. Raises ValueError without one."""
    with path.open("r+b") as file:
        place, size = _movie_box(path)
        file.seek(place)
        moov = bytearray(file.read(size))
        _patch(moov, _hdr_boxes(hdr), name)
        file.seek(place)
        file.write(moov)


def _movie_box(path: Path) -> tuple[int, int]:
    """Position and size of the box `moov`. The pictures before it are not read."""
    with path.open("rb") as file:
        at, end = 0, path.stat().st_size
        while at + 8 <= end:
            file.seek(at)
            head = file.read(16)
            size = int.from_bytes(head[:4], "big")
            if size == 1:
                size = int.from_bytes(head[8:16], "big")
            if head[4:8] == b"moov":
                return at, size
            if size < 8:
                break
            at += size
    raise ValueError("the file has no table of contents")


def _patch(moov: bytearray, added: bytes, name: str) -> None:
    for track in _boxes(moov, 8, len(moov)):
        if track.kind != b"trak":
            continue
        user = next((box for box in _boxes(moov, track.body, track.stop) if box.kind == b"udta"), None)
        if user is None or NAME_ROOM.encode() not in moov[user.start : user.stop]:
            continue
        path = [_child(moov, track, b"mdia")]
        for kind in (b"minf", b"stbl", b"stsd"):
            path.append(_child(moov, path[-1], kind))
        entry = path[-1].start + _ENTRIES_HEAD
        named = _box(b"name", name.encode()) if name else b""
        left = user.stop - user.start - len(added) - (8 + len(named) if named else 0)
        if left < 8:
            raise ValueError("the file has no room for HDR metadata")
        for box in (entry, *(each.start for each in path)):
            size = int.from_bytes(moov[box : box + 4], "big") + len(added)
            moov[box : box + 4] = size.to_bytes(4, "big")
        moov[user.start : user.stop] = (_box(b"udta", named) if named else b"") + _box(b"free", bytes(left - 8))
        moov[entry + _ENTRY_HEAD : entry + _ENTRY_HEAD] = added
        return
    raise ValueError("the file has no track with room for HDR metadata")


def _boxes(data: bytearray, start: int, stop: int) -> Iterator[_Box]:
    while start + 8 <= stop:
        size = int.from_bytes(data[start : start + 4], "big")
        if size < 8:
            return
        yield _Box(bytes(data[start + 4 : start + 8]), start, start + 8, start + size)
        start += size


def _child(data: bytearray, parent: _Box, kind: bytes) -> _Box:
    found = next((box for box in _boxes(data, parent.body, parent.stop) if box.kind == kind), None)
    if found is None:
        raise ValueError(f"the file has no box {kind.decode()}")
    return found


def _box(kind: bytes, body: bytes) -> bytes:
    return (len(body) + 8).to_bytes(4, "big") + kind + body


def _hdr_boxes(hdr: HdrMetadata) -> bytes:
    """`mdcv` (ISO 14496-12, 12.1.7: green, blue, red, white, then luminance; 0 is unknown) and `clli`."""
    boxes = b""
    if hdr.has_display:
        order = [hdr.chromaticities[index] for index in (1, 2, 0, 3)] if hdr.chromaticities else []
        points = b"".join(round(value * 50_000).to_bytes(2, "big") for point in order for value in point)
        least, most = hdr.luminance or (0, 0)
        levels = b"".join(round(value * 10_000).to_bytes(4, "big") for value in (most, least))
        boxes += _box(b"mdcv", points.ljust(16, b"\0") + levels)
    if hdr.light_level:
        boxes += _box(b"clli", b"".join(min(level, 0xFFFF).to_bytes(2, "big") for level in hdr.light_level))
    return boxes
