"""Where a clip lies in a host's picture: fitted with bars, filled and cropped, stretched, or at its own size."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from answerprint.frames.frame import Picture
from answerprint.ofx.curves import Values

__all__ = ["SCALERS", "ClipLayout", "lattice", "layouts", "rendered_in", "sampled", "unexplained"]

_BINS = 48


def _lanczos(lobes: int) -> tuple[float, Callable[[Values], Values]]:
    return lobes, lambda x: np.where(np.abs(x) < lobes, np.sinc(x) * np.sinc(x / lobes), 0.0)


def _cubic(b: float, c: float) -> tuple[float, Callable[[Values], Values]]:
    """The family of Mitchell and Netravali (1988), equation 8."""

    def weight(x: Values) -> Values:
        x = np.abs(x)
        near = (12 - 9 * b - 6 * c) * x**3 + (-18 + 12 * b + 6 * c) * x**2 + 6 - 2 * b
        far = (-b - 6 * c) * x**3 + (6 * b + 30 * c) * x**2 + (-12 * b - 48 * c) * x + 8 * b + 24 * c
        return np.where(x < 1, near, np.where(x < 2, far, 0.0)) / 6

    return 2, weight


SCALERS: Mapping[str, tuple[float, Callable[[Values], Values]]] = MappingProxyType(
    {
        "lanczos": _lanczos(3),
        "catmull-rom": _cubic(0, 0.5),
        "linear": (1, lambda x: np.maximum(1 - np.abs(x), 0.0)),
        "sharp cubic": _cubic(0, 0.75),
        "mitchell": _cubic(1 / 3, 1 / 3),
        "lanczos 2": _lanczos(2),
        "b-spline": _cubic(1, 0),
        "box": (0.5, lambda x: np.where((x > -0.5) & (x <= 0.5), 1.0, 0.0)),
    }
)
"""Filters with which hosts scale: how far they reach, px, and their weight at a distance."""


@dataclass(frozen=True, slots=True)
class ClipLayout:
    """x, y, width, height: the rectangle of the host's picture that the clip covers (upper left origin, px).

    left, top, right, bottom: the part of the clip that is shown there, in 0..1 of its sides. scaler: of SCALERS.
    """

    kind: str
    x: int
    y: int
    width: int
    height: int
    left: float = 0.0
    top: float = 0.0
    right: float = 1.0
    bottom: float = 1.0
    scaler: str = "lanczos"

    def steps(self, size: tuple[int, int]) -> tuple[float, float]:
        """Pixels of a clip of that width and height in one of the host's, across and down."""
        return (
            (self.right - self.left) * size[0] / self.width,
            (self.bottom - self.top) * size[1] / self.height,
        )

    def exact(self, size: tuple[int, int]) -> bool:
        """Whether a clip of that width and height is shown pixel by pixel."""
        across, down = self.steps(size)
        places = (self.left * size[0], self.top * size[1])
        return abs(across - 1) < 1e-9 and abs(down - 1) < 1e-9 and all(abs(p - round(p)) < 1e-6 for p in places)

    def to_json(self) -> list[Any]:
        """As JSON."""
        return [
            self.kind, self.x, self.y, self.width, self.height, self.left, self.top, self.right, self.bottom,
            self.scaler,
        ]  # fmt: skip

    @classmethod
    def from_json(cls, data: list[Any]) -> Self:
        """Read `to_json`'s form. Raises TypeError, ValueError."""
        kind, *numbers = data
        scaler = numbers.pop() if len(numbers) == 9 else "lanczos"
        if len(numbers) != 8 or not all(isinstance(each, int) for each in numbers[:4]) or scaler not in SCALERS:
            raise ValueError("layout")
        x, y, width, height = numbers[:4]
        left, top, right, bottom = map(float, numbers[4:])
        if min(x, y) < 0 or min(width, height) < 1 or not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
            raise ValueError("layout")
        return cls(str(kind), x, y, width, height, left, top, right, bottom, scaler)


def layouts(clip: tuple[int, int], aspect: Fraction, picture: tuple[int, int]) -> list[ClipLayout]:
    """All ways in which a host may lay a clip into its picture, the usual one first.

    clip, picture: width and height, px. aspect: width of the clip's pixel over its height.
    """
    found: dict[tuple[object, ...], ClipLayout] = {}
    for pixel in dict.fromkeys((float(aspect), 1.0)):
        width, height = clip[0] * pixel, float(clip[1])
        scales = (picture[0] / width, picture[1] / height)
        for kind, across, down in (
            ("fit", min(scales) * width, min(scales) * height),
            ("fill", max(scales) * width, max(scales) * height),
            ("stretch", float(picture[0]), float(picture[1])),
            ("centre", width, height),
        ):
            laid = _centred(kind, across, down, picture)
            found.setdefault((laid.x, laid.y, laid.width, laid.height, laid.left, laid.top), laid)
    return list(found.values())


def _centred(kind: str, across: float, down: float, picture: tuple[int, int]) -> ClipLayout:
    """The layout of a clip that is so large in the host's picture, in its middle."""
    x, width, left, right = _side(across, picture[0])
    y, height, top, bottom = _side(down, picture[1])
    return ClipLayout(kind, x, y, width, height, left, top, right, bottom)


def _side(size: float, picture: int) -> tuple[int, int, float, float]:
    """Start and length in whole pixels, and the part of the clip that lies there."""
    start = (picture - size) / 2
    if abs(size - round(size)) < 1e-6:  # whole pixels stay whole where the middle lies between two
        start = float(np.floor(start))
    first = min(max(0, round(start)), picture - 1)
    stop = max(first + 1, min(picture, round(start + size)))
    low, high = (first - start) / size, (stop - start) / size
    return first, stop - first, min(max(low, 0.0), 1.0), min(max(high, 0.0), 1.0)


def lattice(size: int, count: int) -> NDArray[np.intp]:
    """Where the samples of a host lie along a side of its picture, from its origin: floor((i + .5) * size / count)."""
    return (2 * np.arange(count) + 1) * size // (2 * count)


def sampled(picture: Values, layout: ClipLayout, xs: NDArray[np.intp], ys: NDArray[np.intp]) -> Values:
    """What a host would show at columns xs and rows ys (from the top), roughly: [rows, columns, 3], NaN outside."""
    height, width = picture.shape[:2]
    across, down = layout.steps((width, height))
    out = np.full((len(ys), len(xs), 3), np.nan)
    inside_x = (xs >= layout.x) & (xs < layout.x + layout.width)
    inside_y = (ys >= layout.y) & (ys < layout.y + layout.height)
    total = np.zeros((int(inside_y.sum()), int(inside_x.sum()), 3))
    counts = max(1, round(across)), max(1, round(down))
    for i in range(counts[0]):
        x = layout.left * width + (xs[inside_x] - layout.x + (i + 0.5) / counts[0]) * across - 0.5
        for j in range(counts[1]):
            y = layout.top * height + (ys[inside_y] - layout.y + (j + 0.5) / counts[1]) * down - 0.5
            total += _bilinear(picture, x, y)
    out[np.ix_(inside_y, inside_x)] = total / (counts[0] * counts[1])
    return out


def _bilinear(picture: Values, x: Values, y: Values) -> Values:
    height, width = picture.shape[:2]
    x, y = np.clip(x, 0, width - 1), np.clip(y, 0, height - 1)
    left, top = np.floor(x + 1e-9).astype(np.intp), np.floor(y + 1e-9).astype(np.intp)
    right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    u, v = np.clip(x - left, 0, 1)[None, :, None], np.clip(y - top, 0, 1)[:, None, None]
    upper = picture[np.ix_(top, left)] * (1 - u) + picture[np.ix_(top, right)] * u
    lower = picture[np.ix_(bottom, left)] * (1 - u) + picture[np.ix_(bottom, right)] * u
    return np.asarray(upper * (1 - v) + lower * v)


def rendered_in(picture: Picture, layout: ClipLayout) -> Picture:
    """The rectangle of the host's picture [height, width, channels], by the layout's scaler; if exact, as it is."""
    height, width = picture.shape[:2]
    if layout.exact((width, height)):
        x, y = round(layout.left * width), round(layout.top * height)
        return picture[y : y + layout.height, x : x + layout.width]
    rows = _resampled(picture, layout.top * height, layout.bottom * height, layout.height, layout.scaler)
    across = rows.swapaxes(0, 1)
    columns = _resampled(across, layout.left * width, layout.right * width, layout.width, layout.scaler)
    return np.ascontiguousarray(columns.swapaxes(0, 1))


def _resampled(picture: Picture, start: float, stop: float, size: int, scaler: str) -> Picture:
    """The first axis from start to stop in `size` pixels."""
    step = (stop - start) / size
    if abs(step - 1) < 1e-9 and abs(start - round(start)) < 1e-6:
        return picture[round(start) : round(start) + size]
    stretch = max(1.0, step)
    centres = start + (np.arange(size) + 0.5) * step - 0.5
    radius, weigh = SCALERS[scaler]
    reach = int(np.ceil(radius * stretch))
    out = np.zeros((size, *picture.shape[1:]), np.float32)
    firsts = np.floor(centres).astype(np.intp)
    taps = range(1 - reach, reach + 1)
    weights = np.stack([weigh((firsts + k - centres) / stretch) for k in taps])
    weights /= weights.sum(0)
    for weight, k in zip(weights.astype(np.float32), taps, strict=True):
        if weight.any():
            out += weight.reshape(-1, *(1,) * (picture.ndim - 1)) * picture[np.clip(firsts + k, 0, len(picture) - 1)]
    return out


def unexplained(source: Values, host: Values) -> float:
    """How much of the host's brightness does not follow from the source's: 0 all follows, 1 nothing.

    Whatever the host does to colours. source, host: [..., 3]; NaN in the source where the clip does not lie, which the
    host shows in one colour.
    """
    bright = host.reshape(-1, 3).mean(1)
    known = source.reshape(-1, 3).mean(1)
    inside = np.isfinite(known)
    total = float(((bright - bright.mean()) ** 2).sum())
    if total < 1e-9 * len(bright):
        return 0.0
    left = sum(_spread(bright[part]) for part in _bins(known, inside))
    return min(1.0, (left + _spread(bright[~inside])) / total)


def _bins(known: Values, inside: NDArray[np.bool_]) -> Iterator[NDArray[np.intp]]:
    """Indices of pixels of like brightness, about equally many each."""
    where = np.flatnonzero(inside)
    order = where[np.argsort(known[where], kind="stable")]
    yield from np.array_split(order, max(1, min(_BINS, len(order) // 8)))


def _spread(values: Values) -> float:
    """Sum of squared differences from their mean."""
    if len(values) < 3:
        return 0.0
    return float(((values - values.mean()) ** 2).sum())
