"""Smooth corrections of two curves and the matrix between them, by the method of Levenberg and Marquardt.

host = K(g(S(M U(f(p)))))    p: shaped source    f, g: splines    U, S: shaped light to light and back
K: shaped light to the host's values    M: rows of sum 1, as g has the gain
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from answerprint.ofx.colour_transform import ColourTransform, FittedCurve, UniformSpline
from answerprint.ofx.curves import CURVES, Values, shape_light, unshape_light

__all__ = ["refine_curves"]

_KNOTS = 20
_STEPS = 30
_CODE = 1 / 1023
_SMOOTH = 3e-4
"""Weight of the second differences of the corrections, against errors of single values."""
_TINY = 1e-5


class _Model:
    """One parameter vector: coefficients of f, of g, and the first two of each row of M."""

    def __init__(self, start: ColourTransform, source: Values, host: Values, valid: NDArray[np.bool_]) -> None:
        if start.source_curve is None or start.host_curve is None or start.matrix is None:
            raise ValueError("a start has curves")
        self.names = start.source_curve.name, start.host_curve.name
        gain = float(start.matrix.sum(1).mean())
        light = CURVES[self.names[0]].to_light(source)
        self.shaped = shape_light(light)
        passed = shape_light(light @ start.matrix.T / gain)
        self.f = _empty_spline(self.shaped)
        self.g = _empty_spline(passed)
        rows = (start.matrix / gain)[:, :2].ravel()
        self.basis = _dense(self.f, self.shaped)
        self.host = host
        self.scale = 1 / np.maximum(1, np.abs(host))
        self.start = np.concatenate([self.f.values, self._first_g(passed, valid), rows])

    def _first_g(self, passed: Values, valid: NDArray[np.bool_]) -> Values:
        """The smooth curve that takes what the matrix gives to the host, by least squares."""
        wanted = shape_light(CURVES[self.names[1]].to_light(self.host))
        rows, right = _dense(self.g, passed)[valid], wanted[valid]
        bends = 0.03 * np.sqrt(len(rows)) * np.diff(np.eye(_KNOTS), 2, axis=0)
        places = np.asarray(self.g.values)  # where nothing is known, the identity
        rows = np.concatenate([rows, bends, 1e-3 * np.eye(_KNOTS)])
        right = np.concatenate([right, np.zeros(len(bends)), 1e-3 * places])
        return np.asarray(np.linalg.lstsq(rows, right, rcond=None)[0])

    def shape(self, shaped: Values) -> Values:
        return CURVES[self.names[1]].from_light(unshape_light(shaped))

    def parts(self, parameters: Values) -> tuple[UniformSpline, UniformSpline, Values]:
        rows = parameters[2 * _KNOTS :].reshape(3, 2)
        matrix = np.concatenate([rows, 1 - rows.sum(1, keepdims=True)], 1)
        f = replace(self.f, values=tuple(parameters[:_KNOTS].tolist()))
        g = replace(self.g, values=tuple(parameters[_KNOTS : 2 * _KNOTS].tolist()))
        return f, g, matrix

    def errors(self, parameters: Values) -> Values:
        f, g, matrix = self.parts(parameters)
        made = self.shape(g(shape_light(unshape_light(f(self.shaped)) @ matrix.T)))
        return (self.host - made) * self.scale

    def jacobian(self, parameters: Values) -> Values:
        """Of the made values [N * 3, parameters]."""
        f, g, matrix = self.parts(parameters)
        bent = f(self.shaped)
        light = unshape_light(bent)
        mixed = light @ matrix.T
        passed = shape_light(mixed)
        outer = _slope(self.shape, g(passed)) * self.scale
        basis = _dense(g, passed)
        inner = outer * _spline_slope(g, passed) * _slope(shape_light, mixed)
        by_f = np.einsum("ni,ij,njk->nik", inner, matrix, _slope(unshape_light, bent)[..., None] * self.basis)
        by_matrix = np.zeros((*mixed.shape, 6))
        for row in range(3):
            by_matrix[:, row, 2 * row : 2 * row + 2] = inner[:, row, None] * (light[:, :2] - light[:, 2:])
        return np.concatenate([by_f, outer[..., None] * basis, by_matrix], -1).reshape(-1, len(parameters))


def refine_curves(
    start: ColourTransform, source: Values, host: Values, valid: NDArray[np.bool_], *, most_steps: int = _STEPS
) -> ColourTransform | None:
    """The transform with both curves corrected; None if that makes a curve that does not increase.

    source, host: [N, 3]; valid: where the host does not clip.
    """
    model = _Model(start, source, host, valid)
    parameters = model.start
    smooth = _smoothness(model)
    damping, cost, weights = 1e-3, np.inf, valid.astype(np.float64)
    for step in range(most_steps):
        errors = model.errors(parameters)
        if step % 5 == 0:  # those that differ most count least, as the others agree better
            scale = max(2 * _CODE, 2 * float(np.median(np.abs(errors[valid]))) if valid.any() else 0)
            weights = np.where(valid, 1 / (1 + (errors / scale) ** 2), 0)
            cost = _cost(errors, weights, smooth, parameters)
        rows = model.jacobian(parameters) * weights.reshape(-1, 1)
        normal = rows.T @ rows + smooth.T @ smooth
        right = rows.T @ (errors * weights).ravel() - smooth.T @ (smooth @ parameters)
        try:
            change = np.linalg.solve(normal + damping * np.diag(np.diag(normal) + 1e-9), right)
        except np.linalg.LinAlgError:
            return None
        tried = parameters + change
        new = _cost(model.errors(tried), weights, smooth, tried)
        if np.isfinite(new) and new < cost:
            done = cost - new < 1e-6 * cost and step % 5
            parameters, cost, damping = tried, new, damping / 4
            if done:
                break
        else:
            damping = min(damping * 8, 1e6)
    f, g, matrix = model.parts(parameters)
    if not (f.increases() and g.increases()):
        return None
    curves = FittedCurve(model.names[0], f), FittedCurve(model.names[1], g)
    return replace(start, source_curve=curves[0], host_curve=curves[1], matrix=matrix)


def _cost(errors: Values, weights: Values, smooth: Values, parameters: Values) -> float:
    return float(((errors * weights) ** 2).sum() + ((smooth @ parameters) ** 2).sum())


def _smoothness(model: _Model) -> Values:
    """Rows that are 0 for straight corrections."""
    size, rows = len(model.start), []
    for offset in (0, _KNOTS):
        for k in range(_KNOTS - 2):
            row = np.zeros(size)
            row[offset + k : offset + k + 3] = 1, -2, 1
            rows.append(row)
    return np.asarray(np.asarray(rows) * (_SMOOTH * len(model.shaped) ** 0.5), np.float64)


def _empty_spline(shaped: Values) -> UniformSpline:
    """The identity over these values."""
    low, high = float(shaped.min()), float(shaped.max())
    margin = 0.02 * max(high - low, 0.05)
    low, high = low - margin, high + margin
    return UniformSpline(low, high, tuple(UniformSpline.places(low, high, _KNOTS).tolist()))


def _dense(spline: UniformSpline, x: Values) -> Values:
    """The weights of all coefficients [..., knots]."""
    first, weights, _ = spline.basis(x)
    out = np.zeros((*x.shape, len(spline.values)))
    for k in range(4):
        np.put_along_axis(out, (first + k)[..., None], weights[..., k : k + 1], -1)
    return out


def _spline_slope(spline: UniformSpline, x: Values) -> Values:
    first, _, slopes = spline.basis(x)
    coefficients = np.asarray(spline.values)
    total = np.zeros_like(x)
    for k in range(4):
        total += slopes[..., k] * coefficients[first + k]
    return total


def _slope(function: Callable[[Values], Values], x: Values) -> Values:
    return np.asarray((function(x + _TINY) - function(x - _TINY)) / (2 * _TINY), np.float64)
