"""Curves and gamuts that pictures are known to have, as candidates of what a host does between file and node.

Curves are those of `pipeline.working_space` and of displays. Primaries are those that standards and makers publish.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from answerprint.pipeline.working_space import SPACES, WorkingSpace

__all__ = ["CURVES", "TransferCurve", "gamut_matrices", "shape_light", "unshape_light"]

Values = NDArray[np.float64]
_Function = Callable[[Values], Values]

_LINEAR = SPACES["linear"]


@dataclass(frozen=True, slots=True)
class TransferCurve:
    """Encoded values to light and back, each channel alone, on all numbers; strictly increasing."""

    name: str
    to_light: _Function
    from_light: _Function


def shape_light(light: Values) -> Values:
    """Light, 1 is white, as even steps for the eye: near sRGB up to middle grey, logarithmic above."""
    return _through(_LINEAR.to_display, light)


def unshape_light(shaped: Values) -> Values:
    """The inverse of `shape_light`."""
    return _through(_LINEAR.to_source, shaped)


def _through(function: Callable[[Any], Any], values: Values) -> Values:
    """A curve of a working space, which takes pictures, on values of any shape."""
    return np.asarray(function(values.reshape(-1, 1, 1)), np.float64).reshape(values.shape)


def _of_space(space: WorkingSpace) -> TransferCurve:
    return TransferCurve(
        space.name,
        lambda values: unshape_light(_through(space.to_display, values)),
        lambda light: _through(space.to_source, shape_light(light)),
    )


def _power(exponent: float) -> TransferCurve:
    """A power with a straight line below its value of 1e-4 in light, so that it is invertible at 0."""
    border = 1e-4
    encoded = border ** (1 / exponent)

    def to_light(values: Values) -> Values:
        curved = np.maximum(values, encoded) ** exponent
        return np.asarray(np.where(values < encoded, values * (border / encoded), curved), np.float64)

    def from_light(light: Values) -> Values:
        curved = np.maximum(light, border) ** (1 / exponent)
        return np.where(light < border, light * (encoded / border), curved)

    return TransferCurve(f"gamma {exponent:g}", to_light, from_light)


def _with_toe(name: str, gain: float, offset: float, exponent: float, cut: float, slope: float) -> TransferCurve:
    """value = gain light^exponent - offset from light = cut on, and slope light below."""
    border = slope * cut

    def to_light(values: Values) -> Values:
        curved = ((np.maximum(values, border) + offset) / gain) ** (1 / exponent)
        return np.where(values < border, values / slope, curved)

    def from_light(light: Values) -> Values:
        return np.where(light < cut, slope * light, gain * np.maximum(light, cut) ** exponent - offset)

    return TransferCurve(name, to_light, from_light)


def _same(values: Values) -> Values:
    return values


CURVES: Mapping[str, TransferCurve] = MappingProxyType(
    {
        curve.name: curve
        for curve in (
            TransferCurve("linear", _same, _same),
            TransferCurve("levels", lambda values: (255 * values - 16) / 219, lambda light: (219 * light + 16) / 255),
            _power(2.4),
            _power(2.2),
            _power(2.6),
            _with_toe("srgb", 1.055, 0.055, 1 / 2.4, 0.0031308, 12.92),
            _with_toe("rec709", 1.09929682680944, 0.09929682680944, 0.45, 0.018053968510807, 4.5),
            TransferCurve("display", unshape_light, shape_light),
            *(_of_space(space) for name, space in SPACES.items() if name not in ("linear", "display")),
        )
    }
)
"""All of them by name, the usual ones first. `display` shapes light as the models see it; `levels` are video levels
that were taken for full ones."""

_D65 = (0.3127, 0.3290)
_PRIMARIES: Mapping[str, tuple[tuple[float, float], ...]] = MappingProxyType(
    {
        "rec709": ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06), _D65),
        "p3": ((0.68, 0.32), (0.265, 0.69), (0.15, 0.06), _D65),
        "rec2020": ((0.708, 0.292), (0.17, 0.797), (0.131, 0.046), _D65),
        "ap1": ((0.713, 0.293), (0.165, 0.83), (0.128, 0.044), (0.32168, 0.33767)),
        "ap0": ((0.7347, 0.2653), (0.0, 1.0), (0.0001, -0.077), (0.32168, 0.33767)),
        "awg3": ((0.684, 0.313), (0.221, 0.848), (0.0861, -0.102), _D65),
        "awg4": ((0.7347, 0.2653), (0.1424, 0.8576), (0.0991, -0.0308), _D65),
        "sgamut3": ((0.73, 0.28), (0.14, 0.855), (0.10, -0.05), _D65),
        "sgamut3cine": ((0.766, 0.275), (0.225, 0.8), (0.089, -0.087), _D65),
        "vgamut": ((0.73, 0.28), (0.165, 0.84), (0.10, -0.03), _D65),
        "redwide": ((0.780308, 0.304253), (0.121595, 1.493994), (0.095612, -0.084589), _D65),
        "davinciwide": ((0.8, 0.313), (0.1682, 0.9877), (0.079, -0.1155), _D65),
    }
)
"""Red, green, blue and white: x and y."""

_CONE = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
"""XYZ to the cones' answers of the Bradford transform, by which whites are adapted."""


def _xyz(point: tuple[float, float]) -> Values:
    x, y = point
    return np.array([x / y, 1.0, (1 - x - y) / y])


def _to_white(primaries: tuple[tuple[float, float], ...]) -> Values:
    """R'G'B' light to XYZ, adapted to D65: equal parts give its white."""
    columns = np.stack([_xyz(point) for point in primaries[:3]], 1)
    white = _xyz(primaries[3])
    matrix = columns * np.linalg.solve(columns, white)
    scale = (_CONE @ _xyz(_D65)) / (_CONE @ white)
    return np.asarray(np.linalg.solve(_CONE, scale[:, None] * (_CONE @ matrix)), np.float64)


@cache
def gamut_matrices() -> Mapping[str, Values]:
    """Every matrix [3, 3] from one gamut to another, by `from-to`; grey stays grey. The identity is `none`."""
    to_xyz = {name: _to_white(primaries) for name, primaries in _PRIMARIES.items()}
    found: dict[str, Values] = {"none": np.eye(3)}
    for source, matrix in to_xyz.items():
        found |= {
            f"{source}-{target}": np.asarray(np.linalg.solve(other, matrix), np.float64)
            for target, other in to_xyz.items()
            if target != source
        }
    return MappingProxyType(found)
