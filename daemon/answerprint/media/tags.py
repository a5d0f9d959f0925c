"""Converts between FFmpeg's numbers and names for colour."""

from __future__ import annotations

from typing import Protocol

from answerprint.frames.colour import MATRICES, PRIMARIES, RANGES, TRANSFERS, UNKNOWN, ColourTags

__all__ = ["Tagged", "read_tags", "write_tags"]

_UNSPECIFIED = 2  # H.273, for primaries, transfer and matrix; 0 for the range


class Tagged(Protocol):
    """A frame or a codec context of PyAV."""

    color_primaries: int
    color_trc: int
    colorspace: int
    color_range: int


def read_tags(source: Tagged) -> ColourTags:
    """Return the colour tags of a frame or a stream."""
    return ColourTags(
        PRIMARIES.get(int(source.color_primaries), UNKNOWN),
        TRANSFERS.get(int(source.color_trc), UNKNOWN),
        MATRICES.get(int(source.colorspace), UNKNOWN),
        RANGES.get(int(source.color_range), UNKNOWN),
    )


def write_tags(target: Tagged, tags: ColourTags) -> None:
    """Tag a frame or a stream."""
    target.color_primaries = _code(PRIMARIES, tags.primaries, _UNSPECIFIED)
    target.color_trc = _code(TRANSFERS, tags.transfer, _UNSPECIFIED)
    target.colorspace = _code(MATRICES, tags.matrix, _UNSPECIFIED)
    target.color_range = _code(RANGES, tags.range, 0)


def _code(names: dict[int, str], name: str, unspecified: int) -> int:
    return next((code for code, known in names.items() if known == name), unspecified)
