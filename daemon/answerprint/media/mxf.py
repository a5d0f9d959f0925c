"""Writes the aspect of the picture into a finished MXF file, whose muxer takes it from a field that PyAV cannot set."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

__all__ = ["write_frame_aspect"]

_HEAD_BYTES = 1 << 20  # the header's metadata come before the first picture
# SMPTE ST 377-1: local tag of Aspect Ratio in the descriptor of a picture, and the length of a rational.
_ASPECT_RATIO = re.compile(rb"\x32\x0e\x00\x08(.{8})", re.DOTALL)


def write_frame_aspect(path: Path, width: int, height: int, sample_aspect: Fraction) -> None:
    """Set the aspect of the frame in place. Raises ValueError if the header does not have that of square pixels."""
    with path.open("r+b") as file:
        head = file.read(_HEAD_BYTES)
        squared = _rational(Fraction(width, height))
        places = [found.start(1) for found in _ASPECT_RATIO.finditer(head) if found[1] == squared]
        if not places:
            raise ValueError("the MXF file has no aspect ratio in its header")
        for place in places:
            file.seek(place)
            file.write(_rational(Fraction(width, height) * sample_aspect))


def _rational(value: Fraction) -> bytes:
    return value.numerator.to_bytes(4, "big") + value.denominator.to_bytes(4, "big")
