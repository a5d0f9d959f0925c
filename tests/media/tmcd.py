"""The timecode track of a QuickTime file, read from its atoms: by nothing that our writer is made of.

QuickTime File Format Specification, "Timecode media": the sample description has flags, time scale, frame duration and
frames per second; the one sample is the number of the first frame.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

__all__ = ["first_label"]

_CONTAINERS = (b"moov", b"trak", b"mdia", b"minf", b"stbl")
_DROP = 1


def first_label(path: Path | str) -> str:
    """The label of a file's first frame, with a semicolon when drop-frame. Raises AssertionError for a file without."""
    data = Path(path).read_bytes()
    for track in _atoms(data, b"trak"):
        handlers = [atom[8:12] for atom in _atoms(track, b"hdlr")]
        if b"tmcd" in handlers:
            (description,) = _atoms(track, b"stsd")
            flags, scale, duration, base = struct.unpack(">IIIB", description[8 + 16 + 4 : 8 + 16 + 17])
            (offsets,) = _atoms(track, b"stco") or [_wide(track)]
            (place,) = struct.unpack(">I", offsets[8:12])
            (number,) = struct.unpack(">I", data[place : place + 4])
            assert round(scale / duration) == base
            return _label(number, base, bool(flags & _DROP))
    raise AssertionError(f"{path} has no timecode track")


def _wide(track: bytes) -> bytes:
    (offsets,) = _atoms(track, b"co64")
    return offsets[:8] + offsets[12:16]


def _atoms(data: bytes, kind: bytes) -> list[bytes]:
    return list(_walk(data, kind))


def _walk(data: bytes, wanted: bytes) -> Iterator[bytes]:
    at = 0
    while at + 8 <= len(data):
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        head = 8
        if size == 1:
            (size,) = struct.unpack(">Q", data[at + 8 : at + 16])
            head = 16
        size = size or len(data) - at
        body = data[at + head : at + size]
        if kind == wanted:
            yield body
        elif kind in _CONTAINERS:
            yield from _walk(body, wanted)
        at += size


def _label(number: int, base: int, drop: bool) -> str:
    """SMPTE ST 12: in drop-frame, labels 0 and 1 (0 to 3 at 60) of each minute are left out but in every tenth."""
    if drop:
        left_out = base // 15
        ten = 600 * base - 9 * left_out
        tens, rest = divmod(number, ten)
        more = 0 if rest < 60 * base else 1 + (rest - 60 * base) // (60 * base - left_out)
        number += left_out * (9 * tens + more)
    seconds, frame = divmod(number, base)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour:02}:{minute:02}:{second:02}{';' if drop else ':'}{frame:02}"
