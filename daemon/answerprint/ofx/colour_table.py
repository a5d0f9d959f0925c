"""A smooth 3-D table of what curves and a matrix leave over, by regularised least squares."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from answerprint.ofx.colour_transform import ColourTable, ColourTransform
from answerprint.ofx.curves import Values

__all__ = ["fit_table"]

_SIZE = 9
_SMOOTHNESS = (0.3, 0.03, 0.003)
"""Weights of the second differences, the smoothest first."""
_CODE = 1 / 1023


def fit_table(
    transform: ColourTransform, source: Values, host: Values, valid: NDArray[np.bool_], limit: float
) -> ColourTable | None:
    """The smoothest table that brings examples which it was not made from within the limit; None if none does.

    source, host: [N, 3]; valid: where the host does not clip.
    """
    left = np.where(valid, host - transform.values(source), 0)
    low, high = source.min(0) - 1e-3, source.max(0) + 1e-3
    table = ColourTable(low, high, np.zeros((_SIZE, _SIZE, _SIZE, 3)))
    half = np.arange(len(source)) % 2 == 0
    for weight in _SMOOTHNESS:
        tried = _solved(table, source[half], left[half], valid[half], weight)
        wrong = np.abs(left[~half] - tried(source[~half]))[valid[~half]]
        if wrong.size and float(np.quantile(wrong, 0.95)) <= limit:
            return _solved(table, source, left, valid, weight)
    return None


def _solved(table: ColourTable, source: Values, left: Values, valid: NDArray[np.bool_], weight: float) -> ColourTable:
    points = _SIZE**3
    indices, parts = table.corners(source)
    values = np.zeros((points, 3))
    trust = np.ones(len(source))
    for _ in range(3):
        used = trust * valid.all(1)
        pairs = (indices[:, :, None] * points + indices[:, None, :]).ravel()
        products = (parts[:, :, None] * parts[:, None, :] * used[:, None, None]).ravel()
        normal = np.bincount(pairs, products, points * points).reshape(points, points)
        right = np.stack(
            [np.bincount(indices.ravel(), (parts * (used * left[:, c])[:, None]).ravel(), points) for c in range(3)], 1
        )
        values[:] = np.linalg.solve(normal + weight * _roughness() + 1e-6 * np.eye(points), right)
        wrong = left - np.einsum("nk,nkc->nc", parts, values[indices])
        trust = 1 / (1 + (np.abs(wrong).max(1) / (3 * _CODE)) ** 2)
    return ColourTable(table.low, table.high, values.reshape(_SIZE, _SIZE, _SIZE, 3))


@cache
def _roughness() -> Values:
    """The sum of squares of second differences along each axis, as a matrix."""
    line = np.zeros((_SIZE - 2, _SIZE))
    for k in range(_SIZE - 2):
        line[k, k : k + 3] = 1, -2, 1
    square, same = line.T @ line, np.eye(_SIZE)
    return np.asarray(
        np.kron(np.kron(square, same), same)
        + np.kron(np.kron(same, square), same)
        + np.kron(np.kron(same, same), square)
    )
