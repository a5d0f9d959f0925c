"""Whether a frame is combed: made of two fields that show two moments, of which one came first.

FFmpeg's idet is not used for it: what it says of a frame depends on where reading began, and it counts the whole
picture, so that a still background hides a small thing that moves.
"""

from __future__ import annotations

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from answerprint.frames.clip import FieldOrder
from answerprint.media.pixels import bit_depth

__all__ = ["Brightness", "brightness", "combing", "combs", "combs_of_field", "moving"]

Brightness = NDArray[np.float32]
"""Brightness [h, w'], 0..255: all lines, and as many columns as are needed."""

_COLUMNS = 480
_MOVED = 8.0
"""Of 255: more than noise, less than an edge that moves."""
_LEAST_MOVING = (256, 0.002)
"""Pixels, and share of all, that must move: what stands still has no moments."""
_FLAT = 0.5  # of 255: below it, differences are noise
# A combed frame differs from itself, line by line, as much as from the nearer fields of its neighbours, which lie as
# far away in time; a whole frame much less. Measured on filmed and drawn clips, clean and noisy.
_COMBED_AT_MOST, _WHOLE_AT_LEAST, _SURELY_WHOLE = 1.1, 1.2, 2.0
# How much further the farther fields differ. The more they do, the more a lossy codec may have smoothed the combing.
_ONE_ORDER, _NO_ORDER = 1.15, 1.25
_SMOOTHED = 0.25
_CUT, _SAME_FIELD = 1.5, 1 / 3


def brightness(frame: VideoFrame) -> Brightness:
    """The brightness of a decoded frame; of R'G'B' it is green."""
    step, bits, name = -(-frame.width // _COLUMNS), bit_depth(frame.format), frame.format.name
    if not name.startswith(("yuv", "gray", "gbr")) or bits > 16:
        return frame.to_ndarray(format="rgb24")[:, ::step, 1].astype(np.float32)
    plane = frame.planes[0]
    kind = np.dtype("u1" if bits <= 8 else ">u2" if frame.format.is_big_endian else "<u2")
    row = plane.line_size // kind.itemsize
    codes = np.frombuffer(memoryview(plane), kind)[: row * plane.height].reshape(plane.height, row)
    return codes[:, : frame.width : step].astype(np.float32) * np.float32(255 / ((1 << bits) - 1))


def combing(before: Brightness | None, picture: Brightness, after: Brightness | None) -> FieldOrder | None:
    """PROGRESSIVE for a whole frame, TOP_FIRST or BOTTOM_FIRST for a combed one, None if too little moves to tell.

    before, after: the frames next to it, of which one may be missing.
    """
    sides = {even: side for even, side in ((False, before), (True, after)) if side is not None}
    sides = {even: side for even, side in sides.items() if side.shape == picture.shape}
    if not sides or len(picture) < 8:
        return None
    changes = {even: np.abs(side - picture) for even, side in sides.items()}
    if len(sides) == 2:  # of another shot, a neighbour says nothing
        far = max(changes, key=lambda even: float(changes[even].mean()))
        if changes[far].mean() > _CUT * changes[not far].mean() and not _shares_a_field(changes[not far]):
            del sides[far], changes[far]
    mask = moving(changes)
    if mask.sum() < max(_LEAST_MOVING[0], _LEAST_MOVING[1] * mask.size):
        return None
    own = float(_against(picture, picture)[mask].mean()) + _FLAT
    # With the top field first, the second field, on odd lines, is next to the frame before.
    differences = {even: _against(picture, side) for even, side in sides.items()}
    top = _mean_of_lines(differences, mask, swapped=False)
    bottom = _mean_of_lines(differences, mask, swapped=True)
    near, far_off = min(top, bottom) + _FLAT, max(top, bottom) + _FLAT
    order = far_off / near
    if order >= _ONE_ORDER and near <= (_COMBED_AT_MOST + _SMOOTHED * (order - _ONE_ORDER)) * own:
        return FieldOrder.TOP_FIRST if top < bottom else FieldOrder.BOTTOM_FIRST
    if near >= _SURELY_WHOLE * own or (near >= _WHOLE_AT_LEAST * own and order < _NO_ORDER):
        return FieldOrder.PROGRESSIVE
    return None


def _shares_a_field(change: Brightness) -> bool:
    """Whether only one field differs from a neighbour's, or none, as in film on video: a cut is no reason for that."""
    even, odd = float(change[::2].mean()), float(change[1::2].mean())
    return min(even, odd) <= _SAME_FIELD * max(even, odd)


def combs(picture: Brightness) -> Brightness:
    """How far each line, but the first and the last, lies from the lines beside it."""
    return _against(picture, picture)


def combs_of_field(picture: Brightness) -> Brightness:
    """How far each line, but the first and the last, lies from the next lines of its own field."""
    padded = np.pad(picture, ((1, 1), (0, 0)), mode="reflect")
    return np.asarray(np.abs(padded[:-4] + padded[4:] - 2 * picture[1:-1]))


def moving(changes: dict[bool, Brightness]) -> NDArray[np.bool_]:
    """The pixels [h - 2, w'] between the first and the last line that change towards a neighbour."""
    return np.asarray(np.any([change[1:-1] > _MOVED for change in changes.values()], axis=0))


def _against(picture: Brightness, other: Brightness) -> Brightness:
    """How far each line of `other`, but the first and the last, lies from the picture's lines around it."""
    return np.asarray(np.abs(picture[:-2] + picture[2:] - 2 * other[1:-1]))


def _mean_of_lines(differences: dict[bool, Brightness], mask: NDArray[np.bool_], *, swapped: bool) -> float:
    """The mean over the moving pixels of even or odd lines of each neighbour."""
    total, count = 0.0, 0
    for even, difference in differences.items():
        lines = slice(1 if even != swapped else 0, None, 2)  # the first of these lines is number 1
        chosen = mask[lines]
        total += float(difference[lines][chosen].sum())
        count += int(chosen.sum())
    return total / max(1, count)
