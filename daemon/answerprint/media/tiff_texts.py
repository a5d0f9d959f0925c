"""Texts in a TIFF picture, as JSON in its ImageDescription, which must be ASCII; FFmpeg's encoder writes none.

Layout (TIFF 6.0, section 2): a header with the offset of a directory, which has entries of 12 bytes sorted by tag.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import BinaryIO

__all__ = ["MAGIC", "read_tiff_texts", "with_tiff_texts"]

MAGIC = b"II*\0"  # numbers are little-endian, as FFmpeg writes them

_IMAGE_DESCRIPTION = 270
_ASCII = 2
_ENTRY_BYTES = 12
_LONGEST_TEXT = 1 << 20


def with_tiff_texts(data: bytes, texts: Mapping[str, str]) -> bytes:
    """Return the file with a description. data: a little-endian TIFF without one; its only directory is last."""
    if not texts:
        return data
    (place,) = struct.unpack_from("<I", data, len(MAGIC))
    entries = _entries(data[place:])
    text = json.dumps(dict(texts)).encode("ascii") + b"\0"
    text_place = place + 2 + (len(entries) + 1) * _ENTRY_BYTES + 4
    entries.append(struct.pack("<HHII", _IMAGE_DESCRIPTION, _ASCII, len(text), text_place))
    entries.sort(key=_tag)
    directory = struct.pack("<H", len(entries)) + b"".join(entries) + bytes(4)  # no other directory follows
    return data[:place] + directory + text


def read_tiff_texts(file: BinaryIO) -> dict[str, str]:
    """Return the texts that `with_tiff_texts` wrote; empty for any other file."""
    file.seek(0)
    head = file.read(len(MAGIC) + 4)
    if not head.startswith(MAGIC) or len(head) < len(MAGIC) + 4:
        return {}
    file.seek(int.from_bytes(head[len(MAGIC) :], "little"))
    count = int.from_bytes(file.read(2), "little")
    for entry in _entries(count.to_bytes(2, "little") + file.read(count * _ENTRY_BYTES)):
        if _tag(entry) == _IMAGE_DESCRIPTION:
            _, _, size, place = struct.unpack("<HHII", entry)
            file.seek(place)
            return _texts(file.read(min(size, _LONGEST_TEXT)))
    return {}


def _texts(description: bytes) -> dict[str, str]:
    try:
        found = json.loads(description.rstrip(b"\0"))
    except (ValueError, RecursionError):
        return {}  # another program's description
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}


def _entries(directory: bytes) -> list[bytes]:
    """The entries of a directory, without those that are cut off."""
    whole = min(int.from_bytes(directory[:2], "little"), (len(directory) - 2) // _ENTRY_BYTES)
    return [directory[2 + at * _ENTRY_BYTES : 2 + (at + 1) * _ENTRY_BYTES] for at in range(whole)]


def _tag(entry: bytes) -> int:
    return int.from_bytes(entry[:2], "little")
