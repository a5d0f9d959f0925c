"""How a stored picture is turned and mirrored to be shown: cameras that are held upright store it lying.

Orientations are the numbers of EXIF, 1 to 8; films state them as a display matrix.
"""

from __future__ import annotations

import struct

import numpy as np
from av.video.frame import VideoFrame

from answerprint.frames.frame import Picture, Plane
from answerprint.media.side_data import Type, side_data

__all__ = ["UPRIGHT", "is_sideways", "orientation_of", "turned", "turning_words"]

UPRIGHT = 1

# (rows and columns change places, then columns are reversed, then rows are reversed)
_STEPS = {
    1: (False, False, False),
    2: (False, True, False),
    3: (False, True, True),
    4: (False, False, True),
    5: (True, False, False),
    6: (True, True, False),
    7: (True, True, True),
    8: (True, False, True),
}
_NUMBERS = {steps: number for number, steps in _STEPS.items()}
_WORDS = {
    2: "mirrored",
    3: "turned by 180 degrees",
    4: "mirrored top to bottom",
    5: "mirrored and turned by 270 degrees clockwise",
    6: "turned by 90 degrees clockwise",
    7: "mirrored and turned by 90 degrees clockwise",
    8: "turned by 270 degrees clockwise",
}
_ONE = 1 << 16  # in the 16.16 numbers of a display matrix
_SLANT = _ONE // 100


def orientation_of(frame: VideoFrame) -> int | None:
    """Return the orientation that a film's display matrix gives, 1 without one; None for one that slants or scales."""
    side = side_data(frame, Type.DISPLAYMATRIX)
    if len(side) < 36:
        return UPRIGHT
    # x' = a x + c y and y' = b x + d y, both axes counted from the top left.
    a, b, _, c, d, *_ = struct.unpack("=9i", side[:36])
    swapped = abs(b) > abs(a)
    along, across = ((c, b), (a, d)) if swapped else ((a, d), (b, c))
    if any(abs(abs(value) - _ONE) > _SLANT for value in along) or any(abs(value) > _SLANT for value in across):
        return None
    return _NUMBERS[swapped, along[0] < 0, along[1] < 0]


def is_sideways(orientation: int) -> bool:
    """Whether width and height change places."""
    return _STEPS[orientation][0]


def turned(picture: Picture | Plane, orientation: int) -> Picture | Plane:
    """Return a stored picture [H, W, ...] as it is shown; a copy unless it is upright."""
    if orientation == UPRIGHT:
        return picture
    swapped, columns, rows = _STEPS[orientation]
    shown = picture.swapaxes(0, 1) if swapped else picture
    shown = shown[:, ::-1] if columns else shown
    shown = shown[::-1] if rows else shown
    return np.ascontiguousarray(shown)


def turning_words(orientation: int) -> str:
    """Return what is done to a stored picture that is not upright, in words."""
    return _WORDS[orientation]
