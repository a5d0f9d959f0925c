"""Texts in the header of an OpenEXR picture, as attributes of type `string`; FFmpeg's encoder cannot write them.

Layout (https://openexr.com/en/latest/OpenEXRFileLayout.html): magic and version, attributes, a zero byte, the table of
offsets of the chunks, the chunks. All numbers are little-endian.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

__all__ = ["MAGIC", "read_exr_texts", "with_exr_texts"]

MAGIC = b"v/1\x01"
_AFTER_VERSION = 8
_LONGEST_NAME = 31  # bytes, unless the file announces long names


def with_exr_texts(data: bytes, texts: Mapping[str, str]) -> bytes:
    """Return the file with more attributes. data: a single-part file of scan lines whose chunks follow the table."""
    end = _AFTER_VERSION
    for _, _, value in _attributes(data):
        end = value.stop
    added = b"".join(_attribute(key, value) for key, value in texts.items())
    table = end + 1
    first = int.from_bytes(data[table : table + 8], "little")
    offsets = np.frombuffer(data[table:first], "<u8") + np.uint64(len(added))
    return data[:end] + added + data[end:table] + offsets.astype("<u8").tobytes() + data[first:]


def read_exr_texts(head: bytes) -> dict[str, str]:
    """Return names and values of the texts in the first bytes of a file; of a damaged header, the intact ones."""
    return {
        name.decode("latin-1"): head[value].decode("utf-8", "replace")
        for name, kind, value in _attributes(head)
        if kind == b"string"
    }


def _attribute(key: str, value: str) -> bytes:
    text = value.encode()
    name = key.encode("latin-1", "replace")[:_LONGEST_NAME]
    return name + b"\0string\0" + len(text).to_bytes(4, "little") + text


def _attributes(head: bytes) -> Iterator[tuple[bytes, bytes, slice]]:
    """Yield name, type and position of the value of each attribute that is complete in these bytes."""
    at = _AFTER_VERSION
    while head[at : at + 1] not in (b"", b"\0"):
        name_end = head.find(b"\0", at)
        kind_end = head.find(b"\0", name_end + 1)
        start = kind_end + 5
        size = int.from_bytes(head[kind_end + 1 : start], "little")
        if name_end < 0 or kind_end < 0 or start + size > len(head):
            return
        yield head[at:name_end], head[name_end + 1 : kind_end], slice(start, start + size)
        at = start + size
