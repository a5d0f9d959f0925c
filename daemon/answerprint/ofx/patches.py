"""Small squares of a host's picture by which the plugin tells, without a daemon, that a frame file belongs there.

Flat ones catch other colours, textured ones a picture that is moved, and changing ones another frame.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from answerprint.frames.frame import Picture
from answerprint.ofx.colour_fit import CODE
from answerprint.ofx.colour_transform import ColourTransform
from answerprint.ofx.layout import ClipLayout
from answerprint.ofx.protocol import PATCH_SIDE, Patch

__all__ = ["choose_patches"]

_FLAT, _TEXTURED, _CHANGING = 12, 12, 8
_PLACES = (40, 24)
_WIDE = PATCH_SIDE + 2
"""With a border of a pixel, to know what a shift does."""

_Blocks = NDArray[np.float32]  # [N, _WIDE, _WIDE, 3]


def choose_patches(
    rendered: Picture,
    others: Sequence[Picture],
    transform: ColourTransform,
    layout: ClipLayout,
    picture: tuple[int, int],
    *,
    exact: bool,
    residual: float,
) -> tuple[Patch, ...]:
    """Patches of the picture that a host shows of the source; none if the clip covers less than 10 px of it.

    rendered, others: the source frame and its neighbours in the layout's rectangle. picture: width and height of the
    host's, px. exact: shown pixel by pixel. residual: of the transform.
    """
    height, width = rendered.shape[:2]
    if min(width, height) < _WIDE:
        return ()
    xs = np.unique(np.linspace(0, width - _WIDE, _PLACES[0]).astype(np.intp))
    ys = np.unique(np.linspace(0, height - _WIDE, _PLACES[1]).astype(np.intp))
    places = np.stack(np.meshgrid(xs, ys), -1).reshape(-1, 2)
    blocks = _cut(rendered, places)
    change = np.min([_difference(blocks, _cut(other, places)) for other in others], 0) if others else None
    chosen = _chosen(blocks, change)
    host = transform(blocks[chosen])
    scale = np.maximum(1, np.abs(_inner(host)).mean((1, 2, 3)))
    contrast = np.ptp(_inner(host), axis=(1, 2)).mean(-1)
    usual = (2.5 * CODE + residual + (0.0 if exact else 0.5 * CODE)) * scale + (0.05 if exact else 0.15) * contrast
    tolerances = np.maximum(usual, (0.3 if exact else 0.5) * _shifted(host))
    if others:
        later = np.min([_difference(host, transform(_cut(other, places[chosen]))) for other in others], 0)
        tolerances = np.where(later > 2 * usual, np.minimum(tolerances, 0.45 * later), tolerances)
    values = _inner(host)[:, ::-1].astype("<f2")  # the bottom row first
    lower = picture[1] - layout.y - 1 - PATCH_SIDE
    return tuple(
        Patch(layout.x + 1 + int(x), lower - int(y), float(tolerance), value.tobytes())
        for (x, y), tolerance, value in zip(places[chosen], tolerances, values, strict=True)
    )


def _cut(picture: Picture, places: NDArray[np.intp]) -> _Blocks:
    """The blocks at these places: x and y of their upper left corners."""
    steps = np.arange(_WIDE)
    rows = places[:, 1, None, None] + steps[None, :, None]
    columns = places[:, 0, None, None] + steps[None, None, :]
    return np.asarray(picture[rows, columns], np.float32)


def _inner(blocks: _Blocks) -> _Blocks:
    return blocks[:, 1:-1, 1:-1]


def _difference(blocks: _Blocks, others: _Blocks) -> NDArray[np.float32]:
    return np.asarray(np.abs(_inner(blocks) - _inner(others)).mean((1, 2, 3)), np.float32)


def _shifted(blocks: _Blocks) -> NDArray[np.float32]:
    """How much each differs at least from itself a pixel further, in any direction."""
    inner, side = _inner(blocks), slice(1, -1)
    moved = (blocks[:, :-2, side], blocks[:, 2:, side], blocks[:, side, :-2], blocks[:, side, 2:])
    return np.asarray(np.min([np.abs(inner - each).mean((1, 2, 3)) for each in moved], 0), np.float32)


def _chosen(blocks: _Blocks, change: NDArray[np.float32] | None) -> NDArray[np.intp]:
    """Indices of the blocks to take, each once."""
    inner = _inner(blocks)
    contrast = np.ptp(inner, axis=(1, 2)).mean(-1)
    flat = np.argsort(contrast, kind="stable")[: max(_FLAT, len(contrast) // 4)]
    by_brightness = flat[np.argsort(inner[flat].mean((1, 2, 3)), kind="stable")]
    steps = np.linspace(0, len(by_brightness) - 1, _FLAT).astype(np.intp)
    textured = np.argsort(-_shifted(blocks), kind="stable")[: 3 * _TEXTURED : 3]
    changing = np.argsort(-change, kind="stable")[: 2 * _CHANGING : 2] if change is not None else textured[:0]
    return np.unique(np.concatenate([by_brightness[steps], textured, changing]))
