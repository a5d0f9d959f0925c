"""What a host does to colours between the file and its node, as it was found by example: applied to restored frames."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from answerprint.ofx.curves import CURVES, Values, shape_light, unshape_light

__all__ = ["ColourTable", "ColourTransform", "FittedCurve", "UniformSpline"]

_BLOCK = 1 << 16
"""Pixels that are transformed at a time."""


@dataclass(frozen=True, slots=True)
class UniformSpline:
    """A cubic B-spline with equal steps between low and high, continued as straight lines.

    values: its coefficients, 4 or more; equal to `places` they give the identity.
    """

    low: float
    high: float
    values: tuple[float, ...]

    @property
    def step(self) -> float:
        """Distance of two knots."""
        return (self.high - self.low) / (len(self.values) - 3)

    @classmethod
    def places(cls, low: float, high: float, count: int) -> Values:
        """The coefficients of the identity."""
        step = (high - low) / (count - 3)
        return np.asarray(low + step * (np.arange(count) - 1.0), np.float64)

    def basis(self, x: Values) -> tuple[NDArray[np.intp], Values, Values]:
        """For each x: the first of its 4 coefficients, their weights [..., 4], and those of the slope."""
        inside = np.clip(x, self.low, self.high)
        place = (inside - self.low) / self.step
        first = np.clip(place.astype(np.intp), 0, len(self.values) - 4)
        u = place - first
        weights = np.stack([(1 - u) ** 3, 3 * u**3 - 6 * u**2 + 4, -3 * u**3 + 3 * u**2 + 3 * u + 1, u**3], -1) / 6
        slopes = np.stack([-((1 - u) ** 2), 3 * u**2 - 4 * u, -3 * u**2 + 2 * u + 1, u**2], -1) / (2 * self.step)
        return first, weights + (x - inside)[..., None] * slopes, slopes

    def __call__(self, x: Values) -> Values:
        """Its values at x."""
        first, weights, _ = self.basis(x)
        coefficients = np.asarray(self.values)
        total = np.zeros_like(x)
        for k in range(4):
            total += weights[..., k] * coefficients[first + k]
        return total

    def increases(self) -> bool:
        """Whether it is strictly increasing, tested at 16 places between two knots."""
        x = np.linspace(self.low, self.high, 16 * len(self.values))
        return bool((np.diff(self(x)) > 0).all())


@dataclass(frozen=True, slots=True)
class FittedCurve:
    """A known curve, and a correction of it in shaped light; None for none."""

    name: str
    correction: UniformSpline | None = None

    def shaped(self, values: Values) -> Values:
        """Encoded values as shaped light."""
        light = shape_light(CURVES[self.name].to_light(values))
        return light if self.correction is None else self.correction(light)

    def to_light(self, values: Values) -> Values:
        """Encoded values as light."""
        if self.correction is None:
            return CURVES[self.name].to_light(values)
        return unshape_light(self.shaped(values))

    def from_light(self, light: Values) -> Values:
        """Light as encoded values; here the correction comes first."""
        if self.correction is not None:
            light = unshape_light(self.correction(shape_light(light)))
        return CURVES[self.name].from_light(light)

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        spline = self.correction
        return {"name": self.name} | ({} if spline is None else {"knots": [spline.low, spline.high, *spline.values]})

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read `to_json`'s form. Raises KeyError, TypeError, ValueError."""
        if data["name"] not in CURVES:
            raise ValueError(f"no curve {data['name']!r}")
        if "knots" not in data:
            return cls(data["name"])
        low, high, *values = map(float, data["knots"])
        if len(values) < 4 or not low < high:
            raise ValueError("knots")
        return cls(data["name"], UniformSpline(low, high, tuple(values)))


@dataclass(frozen=True, slots=True, eq=False)
class ColourTable:
    """What is added to host values, by the source's: a grid over low..high of each channel, trilinear.

    values: [size, size, size, 3], first axis red. Beyond the grid, the value at its border.
    """

    low: Values
    high: Values
    values: Values

    def corners(self, source: Values) -> tuple[NDArray[np.intp], Values]:
        """For each pixel of source [N, 3]: its 8 grid points, as flat indices [N, 8], and their weights."""
        size = self.values.shape[0]
        place = np.clip((source - self.low) / (self.high - self.low), 0, 1) * (size - 1)
        first = np.minimum(place.astype(np.intp), size - 2)
        part = place - first
        indices, weights = [], []
        for corner in range(8):
            bits = np.array([corner >> 2 & 1, corner >> 1 & 1, corner & 1])
            at = first + bits
            indices.append((at[:, 0] * size + at[:, 1]) * size + at[:, 2])
            weights.append(np.where(bits, part, 1 - part).prod(1))
        return np.stack(indices, 1), np.stack(weights, 1)

    def __call__(self, source: Values) -> Values:
        """Its values for source pixels [N, 3]."""
        indices, weights = self.corners(source)
        flat = self.values.reshape(-1, 3)
        return np.asarray(np.einsum("nk,nkc->nc", weights, flat[indices]))

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        values = np.round(self.values, 6).ravel().tolist()
        return {"low": self.low.tolist(), "high": self.high.tolist(), "size": len(self.values), "values": values}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read `to_json`'s form. Raises KeyError, TypeError, ValueError."""
        size = int(data["size"])
        low, high = np.array(data["low"], np.float64).reshape(3), np.array(data["high"], np.float64).reshape(3)
        if size < 2 or not (low < high).all():
            raise ValueError("table")
        return cls(low, high, np.array(data["values"], np.float64).reshape(size, size, size, 3))


@dataclass(frozen=True, slots=True, eq=False)
class ColourTransform:
    """host = host_curve(matrix @ source_curve(source)) + table(source), clipped; without curves the values as they are.

    matrix: [3, 3]. low, high: where the host clips.
    """

    source_curve: FittedCurve | None = None
    host_curve: FittedCurve | None = None
    matrix: Values | None = None
    table: ColourTable | None = None
    low: float = -math.inf
    high: float = math.inf

    @property
    def is_identity(self) -> bool:
        """Whether every value stays as it is."""
        return self.source_curve is None and self.table is None and self.low == -math.inf and self.high == math.inf

    def values(self, source: Values) -> Values:
        """Host values of source pixels [N, 3], before clipping."""
        host = source
        if self.source_curve is not None and self.host_curve is not None and self.matrix is not None:
            host = self.host_curve.from_light(self.source_curve.to_light(source) @ self.matrix.T)
        return host if self.table is None else host + self.table(source)

    def __call__(self, picture: NDArray[np.float32]) -> NDArray[np.float32]:
        """A picture [..., 3] in the host's colours."""
        if self.is_identity:
            return picture
        flat = picture.reshape(-1, 3)
        out = np.empty_like(flat)
        for first in range(0, len(flat), _BLOCK):
            block = flat[first : first + _BLOCK].astype(np.float64)
            out[first : first + _BLOCK] = np.clip(self.values(block), self.low, self.high)
        return out.reshape(picture.shape)

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        data: dict[str, Any] = {}
        if self.source_curve is not None and self.host_curve is not None and self.matrix is not None:
            data = {
                "source": self.source_curve.to_json(),
                "host": self.host_curve.to_json(),
                "matrix": self.matrix.ravel().tolist(),
            }
        limits = {name: value for name, value in (("low", self.low), ("high", self.high)) if math.isfinite(value)}
        return data | limits | ({} if self.table is None else {"table": self.table.to_json()})

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read `to_json`'s form. Raises KeyError, TypeError, ValueError."""
        curves: dict[str, Any] = {}
        if "matrix" in data:
            curves = {
                "source_curve": FittedCurve.from_json(data["source"]),
                "host_curve": FittedCurve.from_json(data["host"]),
                "matrix": np.array(data["matrix"], np.float64).reshape(3, 3),
            }
        table = ColourTable.from_json(data["table"]) if "table" in data else None
        low, high = float(data.get("low", -math.inf)), float(data.get("high", math.inf))
        return cls(**curves, table=table, low=low, high=high)
