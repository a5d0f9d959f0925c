"""Writes the sample aspect and HDR metadata into a finished Matroska file.

The muxer takes them from fields that PyAV cannot set, so they are written afterwards: before muxing, the track gets a
name of spaces, whose room the elements later use. The rest of the file does not move.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from answerprint.frames.clip_metadata import HdrMetadata

__all__ = ["ROOM", "write_video_track"]

ROOM = " " * 320
"""The track's name that is replaced."""

# Element ids of RFC 9559.
_SEGMENT = 0x18538067
_TRACKS = 0x1654AE6B
_TRACK_ENTRY = 0xAE
_NAME = 0x536E
_VIDEO = 0xE0
_DISPLAY_WIDTH = 0x54B0
_DISPLAY_HEIGHT = 0x54BA
_DISPLAY_UNIT = 0x54B2
_COLOUR = 0x55B0
_MAX_CLL = 0x55BC
_MAX_FALL = 0x55BD
_MASTERING = 0x55D0
_CHROMATICITIES = range(0x55D1, 0x55D9)  # x and y of red, green, blue and white
_LUMINANCE_MOST = 0x55D9
_LUMINANCE_LEAST = 0x55DA
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


def write_video_track(
    path: Path, size: tuple[int, int], aspect: Fraction, hdr: HdrMetadata | None = None, name: str = ""
) -> None:
    """Set aspect, HDR metadata and name of the video track, in place. size: width and height, px.

    Raises ValueError if the file has no room for them.
    """
    shape = _display_size(*size, aspect)
    with path.open("r+b") as file:
        head = bytearray(file.read(_HEAD_BYTES))
        _patch(head, shape, hdr, name)
        file.seek(0)
        file.write(head)


def _display_size(width: int, height: int, aspect: Fraction) -> tuple[int, int]:
    """Return the smallest display size in whole px, at least the picture's height, with exactly that shape."""
    shape = Fraction(width, height) * aspect
    scale = max(1, -(-height // shape.denominator))
    return shape.numerator * scale, shape.denominator * scale


def _patch(head: bytearray, shape: tuple[int, int], hdr: HdrMetadata | None, name: str) -> None:
    segment = _find(head, 0, len(head), _SEGMENT)
    tracks = _find(head, segment.payload, len(head), _TRACKS)
    for track in _children(head, tracks.payload, tracks.stop):
        if track.id != _TRACK_ENTRY:
            continue
        parts = list(_children(head, track.payload, track.stop))
        video = next((part for part in parts if part.id == _VIDEO), None)
        if video is None:
            continue
        kept = _without(head, track, (_VIDEO, _NAME))
        colour = next((part for part in _children(head, video.payload, video.stop) if part.id == _COLOUR), None)
        inside = _without(head, video, (_DISPLAY_WIDTH, _DISPLAY_HEIGHT, _DISPLAY_UNIT, _COLOUR))
        inside += _number(_DISPLAY_WIDTH, shape[0]) + _number(_DISPLAY_HEIGHT, shape[1])
        described = b"" if colour is None else bytes(head[colour.payload : colour.stop])
        described += b"" if hdr is None else _hdr_elements(hdr)
        inside += _element(_COLOUR, described) if described else b""
        body = kept + (_element(_NAME, name.encode()) if name else b"") + _element(_VIDEO, inside)
        head[track.payload : track.stop] = body + _void(track.stop - track.payload - len(body))
        return
    raise ValueError("the Matroska file has no video track in its head")


def _without(data: bytearray, parent: _Element, left_out: tuple[int, ...]) -> bytes:
    """The children of an element but some; padding and checksums go too."""
    children = _children(data, parent.payload, parent.stop)
    return b"".join(data[each.start : each.stop] for each in children if each.id not in (*left_out, _VOID, _CRC))


def _hdr_elements(hdr: HdrMetadata) -> bytes:
    """What the element Colour holds of them."""
    elements = b""
    if hdr.light_level:
        elements += _number(_MAX_CLL, hdr.light_level[0]) + _number(_MAX_FALL, hdr.light_level[1])
    display = [value for point in hdr.chromaticities for value in point]
    inside = b"".join(_float(key, value) for key, value in zip(_CHROMATICITIES, display, strict=False))
    if hdr.luminance is not None:
        least, most = hdr.luminance
        inside += _float(_LUMINANCE_MOST, most) + _float(_LUMINANCE_LEAST, least)
    return elements + (_element(_MASTERING, inside) if inside else b"")


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


def _float(identity: int, value: Fraction) -> bytes:
    return _element(identity, struct.pack(">d", float(value)))


def _void(size: int) -> bytes:
    if size < 5:
        raise ValueError("the Matroska file has no room for its metadata")
    return _element(_VOID, bytes(size - 5))
