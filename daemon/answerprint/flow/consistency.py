"""Reliability of flow: sampling, round trip, confidence and occlusion, in the paper's symbols.

A grid of w x h cells spans the whole picture; cell (0, 0) has its centre at (0, 0), so the picture extends from -0.5 to
w - 0.5. Flow is [h, w, 2] float32, finite, x then y, in cells of its own grid. `unit` is the number of pixels per cell;
the constants of the rules below are in pixels.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from answerprint.flow.pair import Flow

__all__ = ["Field", "confidence", "destination", "is_inside", "occlusion", "resize_flow", "round_trip_error", "sample"]

Field = NDArray[np.float32]
"""[h, w] or [h, w, C]."""

ALPHA = 0.01
BETA_PX = 0.5
"""Constants of the UnFlow rule as GMFlow and the paper use it: norms, not squares."""


def destination(flow: Flow) -> Field:
    """X + f(X): the target of each cell's centre, [h, w, 2]."""
    h, w = flow.shape[:2]
    xy = np.empty_like(flow)
    xy[..., 0] = np.arange(w, dtype=np.float32) + flow[..., 0]
    xy[..., 1] = np.arange(h, dtype=np.float32)[:, None] + flow[..., 1]
    return xy


def is_inside(xy: Field, width: int, height: int) -> NDArray[np.bool_]:
    """Whether the points `xy` [..., 2] are inside a picture of `width` x `height` cells; False for NaN."""
    x, y = xy[..., 0], xy[..., 1]
    return (x >= -0.5) & (x <= width - 0.5) & (y >= -0.5) & (y <= height - 0.5)


def sample(field: Field, xy: Field) -> Field:
    """field(xy): `field` [h, w] or [h, w, C] read at the points `xy` [H, W, 2], bilinearly.

    Points outside read the nearest border cell, so the result is finite wherever `field` is. In float32 throughout:
    OpenCV's `remap` rounds the points to 1/32 of a cell.
    """
    h, w = field.shape[:2]
    x = np.clip(np.nan_to_num(xy[..., 0]), 0.0, w - 1.0)
    y = np.clip(np.nan_to_num(xy[..., 1]), 0.0, h - 1.0)
    x0 = np.minimum(x.astype(np.intp), max(w - 2, 0))
    y0 = np.minimum(y.astype(np.intp), max(h - 2, 0))
    x1, y1 = np.minimum(x0 + 1, w - 1), np.minimum(y0 + 1, h - 1)
    u, v = (x - x0).astype(np.float32), (y - y0).astype(np.float32)
    if field.ndim == 3:
        u, v = u[..., None], v[..., None]
    top = field[y0, x0] * (1 - u) + field[y0, x1] * u
    bottom = field[y1, x0] * (1 - u) + field[y1, x1] * u
    return np.asarray(top * (1 - v) + bottom * v, np.float32)


def round_trip_error(f_ab: Flow, f_ba: Flow) -> Field:
    """||f_ab(X) + f_ba(X + f_ab(X))||, [h, w] in cells: the distance in Eq. 5, with its nesting corrected.

    Rank pairs by this: exp(-d^2) of a float32 is 0 beyond about 10. For targets outside the picture, the nearest border
    cell's backward flow is read; `occlusion` marks such points as invalid whatever the error.
    """
    there_and_back = f_ab + sample(f_ba, destination(f_ab))
    return np.asarray(np.hypot(there_and_back[..., 0], there_and_back[..., 1]), np.float32)


def confidence(f_ab: Flow, f_ba: Flow, unit: float = 1.0) -> Field:
    """sigma = exp(-||f_ab(X) + f_ba(X + f_ab(X))||^2), [h, w] in [0, 1] (Eq. 5), the error in pixels of `unit`."""
    d = round_trip_error(f_ab, f_ba) * np.float32(unit)
    return np.asarray(np.exp(-d * d), np.float32)


def occlusion(f_ab: Flow, f_ba: Flow, unit: float = 1.0) -> Field:
    """V, [h, w] float32 in {0, 1} on a's grid: 1 where the point is also visible in b.

    V = 0 where ||f_ab + f_ba'|| > 0.01 (||f_ab|| + ||f_ba'||) + 0.5 pixels, f_ba' = f_ba(X + f_ab(X)) (UnFlow, Meister
    et al. 2018, with norms instead of squares), and where X + f_ab(X) is outside the picture.
    """
    xy = destination(f_ab)
    back = sample(f_ba, xy)
    error = np.hypot(f_ab[..., 0] + back[..., 0], f_ab[..., 1] + back[..., 1])
    length = np.hypot(f_ab[..., 0], f_ab[..., 1]) + np.hypot(back[..., 0], back[..., 1])
    h, w = f_ba.shape[:2]
    V = (error * unit <= ALPHA * length * unit + BETA_PX) & is_inside(xy, w, h)
    return np.asarray(V, np.float32)


def resize_flow(flow: Flow, width: int, height: int) -> Flow:
    """`flow` on a grid of `width` x `height` cells that spans the same picture, values in the new cells."""
    h, w = flow.shape[:2]
    if (w, h) == (width, height):
        return flow
    shrinks = width <= w and height <= h
    moved = cv2.resize(flow, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return np.asarray(moved * np.array([width / w, height / h], np.float32), np.float32)
