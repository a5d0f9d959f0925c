"""OpenEXR pictures read without FFmpeg: scan lines, no compression or ZIPS, 32 bit float channels.

Written after https://openexr.com/en/latest/OpenEXRFileLayout.html. What ZIPS packs are the differences of each of a
line's bytes from the one before, the even bytes having been put before the odd ones.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from answerprint.frames import Picture

_MAGIC = 20000630
_FLOAT = 2
_UNCOMPRESSED, _ZIPS = 0, 2


def read_exr(path: Path) -> tuple[dict[str, Picture], dict[str, bytes]]:
    """Channels by name, each float32 [H, W], and attributes by name, each as it lies in the file."""
    data = path.read_bytes()
    assert struct.unpack_from("<II", data) == (_MAGIC, 2)  # version 2, and not one flag
    attributes, table = _attributes(data)
    names = _channels(attributes["channels"])
    left, top, right, bottom = struct.unpack("<4i", attributes["dataWindow"])
    width, height = right - left + 1, bottom - top + 1
    picture = np.zeros((height, len(names), width), np.float32)
    for row, offset in enumerate(struct.unpack_from(f"<{height}Q", data, table)):
        line, size = struct.unpack_from("<iI", data, offset)
        assert line == top + row
        samples = _line(data[offset + 8 : offset + 8 + size], attributes["compression"][0], 4 * width * len(names))
        picture[row] = np.frombuffer(samples, "<f4").reshape(len(names), width)
    return {name: picture[:, place] for place, name in enumerate(names)}, attributes


def _attributes(data: bytes) -> tuple[dict[str, bytes], int]:
    """The attributes, and where the table of offsets begins."""
    found: dict[str, bytes] = {}
    at = 8
    while data[at]:
        name_end = data.index(b"\0", at)
        kind_end = data.index(b"\0", name_end + 1)
        (size,) = struct.unpack_from("<I", data, kind_end + 1)
        found[data[at:name_end].decode()] = data[kind_end + 5 : kind_end + 5 + size]
        at = kind_end + 5 + size
    return found, at + 1


def _channels(value: bytes) -> list[str]:
    names = []
    while value[0]:
        name, _, value = value.partition(b"\0")
        assert struct.unpack_from("<I", value) == (_FLOAT,)
        names.append(name.decode())
        value = value[16:]
    return names


def _line(packed: bytes, compression: int, size: int) -> bytes:
    assert compression in (_UNCOMPRESSED, _ZIPS)
    if compression == _UNCOMPRESSED or len(packed) == size:
        return packed
    differences: NDArray[np.uint8] = np.frombuffer(zlib.decompress(packed), np.uint8).copy()
    differences[1:] -= 128
    parts = np.cumsum(differences, dtype=np.uint8)
    line = np.empty(size, np.uint8)
    line[0::2], line[1::2] = parts[: (size + 1) // 2], parts[(size + 1) // 2 :]
    return line.tobytes()
