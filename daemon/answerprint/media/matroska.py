"""Writes the sample aspect into a finished Matroska file.

The muxer takes it from a field that PyAV cannot set, so it is written afterwards: before muxing, the track gets a name
of spaces, which DisplayWidth and DisplayHeight later replace. The rest of the file does not move.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

__all__ = ["ASPECT_ROOM", "write_aspect"]

ASPECT_ROOM = " " * 48  # the track name that is replaced

# Element ids of RFC 9559.
_SEGMENT = 0x18538067
_TRACKS = 0x1654AE6B
_TRACK_ENTRY = 0xAE
_NAME = 0x536E
_VIDEO = 0xE0
_DISPLAY_WIDTH = 0x54B0
_DISPLAY_HEIGHT = 0x54BA
_DISPLAY_UNIT = 0x54B2
_CRC = 0xBF
_VOID = 0xEC

_HEAD_BYTES = 1 << 20  # the tracks lie before the first cluster


@dataclass(frozen=True, slots=True)
class _Element:
    """id, and the positions of the element, of its payload and of its end."""

    id: int
    start: int
    payload: int
    stop: int


def write_aspect(path: Path, width: int, height: int, aspect: Fraction) -> None:
    """Set the aspect of the video track in place. Raises ValueError if the file has no room for it."""
    display_width, display_height = _display_size(width, height, aspect)
    with path.open("r+b") as file:
        head = bytearray(file.read(_HEAD_BYTES))
        _patch(head, display_width, display_height)
        file.seek(0)
        file.write(head)


def _display_size(width: int, height: int, aspect: Fraction) -> tuple[int, int]:
    """Return the smallest display size in whole px, at least the picture's height, with exactly that shape."""
    shape = Fraction(width, height) * aspect
    scale = max(1, -(-height // shape.denominator))
    return shape.numerator * scale, shape.denominator * scale


def _patch(head: bytearray, display_width: int, display_height: int) -> None:
    segment = _find(head, 0, len(head), _SEGMENT)
    tracks = _find(head, segment.payload, len(head), _TRACKS)
    for track in _children(head, tracks.payload, tracks.stop):
        if track.id != _TRACK_ENTRY:
            continue
        parts = list(_children(head, track.payload, track.stop))
        video = next((part for part in parts if part.id == _VIDEO), None)
        if video is None:
            continue
        kept = [bytes(head[part.start : part.stop]) for part in parts if part.id not in (_VIDEO, _NAME, _VOID, _CRC)]
        inside = [
            bytes(head[part.start : part.stop])
            for part in _children(head, video.payload, video.stop)
            if part.id not in (_DISPLAY_WIDTH, _DISPLAY_HEIGHT, _DISPLAY_UNIT, _VOID, _CRC)
        ]
        inside += [_number(_DISPLAY_WIDTH, display_width), _number(_DISPLAY_HEIGHT, display_height)]
        body = b"".join(kept) + _element(_VIDEO, b"".join(inside))
        head[track.payload : track.stop] = body + _void(track.stop - track.payload - len(body))
        return
    raise ValueError("the Matroska file has no video track in its head")


def _children(data: bytearray, start: int, stop: int) -> Iterator[_Element]:
    while start < stop:
        element = _read(data, start)
        yield element
        start = element.stop


def _find(data: bytearray, start: int, stop: int, wanted: int) -> _Element:
    for element in _children(data, start, stop):
        if element.id == wanted:
            return element
    raise ValueError(f"the Matroska file has no element {wanted:#x} in its head")


def _read(data: bytearray, start: int) -> _Element:
    id_length = 9 - data[start].bit_length()
    size_at = start + id_length
    size_length = 9 - data[size_at].bit_length()
    size = int.from_bytes(data[size_at : size_at + size_length], "big") & ((1 << 7 * size_length) - 1)
    payload = size_at + size_length
    return _Element(int.from_bytes(data[start:size_at], "big"), start, payload, payload + size)


def _element(identity: int, payload: bytes) -> bytes:
    size = (len(payload) | 1 << 28).to_bytes(4, "big")
    return identity.to_bytes((identity.bit_length() + 7) // 8, "big") + size + payload


def _number(identity: int, value: int) -> bytes:
    return _element(identity, value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big"))


def _void(size: int) -> bytes:
    if size < 5:
        raise ValueError("the Matroska file has no room for its aspect")
    return _element(_VOID, bytes(size - 5))
