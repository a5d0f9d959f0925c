"""P against E_warp as a drawing in SVG: both are better when smaller, so the good corner is below on the left."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

from answerprint.metrics.report import Figure

__all__ = ["Point", "points_of", "scatter"]


_WIDTH, _HEIGHT = 720, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 200, 16, 48
_LINE_PX = 15
"""Least distance between two labels."""


@dataclass(frozen=True, slots=True)
class Point:
    """One row."""

    name: str
    x: float
    y: float


def points_of(rows: Mapping[str, Mapping[str, Figure]], x: str, y: str, scale: float = 1.0) -> list[Point]:
    """Every row that has both figures; `scale` is that of x."""
    points = []
    for name, row in rows.items():
        a, b = row.get(x), row.get(y)
        if isinstance(a, int | float) and isinstance(b, int | float) and math.isfinite(a) and math.isfinite(b):
            points.append(Point(name, a * scale, float(b)))
    return points


def scatter(points: list[Point], x_label: str, y_label: str, title: str) -> str:
    """An SVG element with a dot and a label for each point, axes from 0; empty where there are no points."""
    if not points:
        return ""
    x_step, y_step = _step(max(p.x for p in points)), _step(max(p.y for p in points))
    x_most = max(1, math.ceil(max(p.x for p in points) / x_step)) * x_step
    y_most = max(1, math.ceil(max(p.y for p in points) / y_step)) * y_step

    def across(value: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * value / x_most

    def down(value: float) -> float:
        return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * value / y_most

    parts = [f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title)}">']
    for k in range(round(x_most / x_step) + 1):
        x = across(k * x_step)
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}"/>')
        parts.append(f'<text x="{x:.1f}" y="{_HEIGHT - _BOTTOM + 16}" text-anchor="middle">{k * x_step:g}</text>')
    for k in range(round(y_most / y_step) + 1):
        y = down(k * y_step)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{k * y_step:g}</text>')
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts.append(f'<text x="{middle}" y="{_HEIGHT - 8}" text-anchor="middle">{escape(x_label)}</text>')
    turned = f'transform="rotate(-90 16 {_HEIGHT / 2})"'
    parts.append(f'<text x="16" y="{_HEIGHT / 2}" text-anchor="middle" {turned}>{escape(y_label)}</text>')
    for point, label_y in zip(_by_height(points), _spread([down(p.y) for p in _by_height(points)]), strict=True):
        x, y = across(point.x), down(point.y)
        label_x = _WIDTH - _RIGHT + 12
        parts.append(f'<path class="lead" d="M{x:.1f} {y:.1f} L{label_x - 4} {label_y:.1f}"/>')
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5"><title>{escape(point.name)}</title></circle>')
        parts.append(f'<text x="{label_x}" y="{label_y + 4:.1f}">{escape(_short(point.name))}</text>')
    return "".join([*parts, "</svg>"])


def _by_height(points: list[Point]) -> list[Point]:
    return sorted(points, key=lambda point: -point.y)


def _spread(wanted: list[float]) -> list[float]:
    """Places, each `_LINE_PX` or more below the last, as near to the wanted ones as the drawing's height lets them."""
    places: list[float] = []
    for place in wanted:
        places.append(max(place, places[-1] + _LINE_PX) if places else place)
    beyond = places[-1] - (_HEIGHT - _BOTTOM)
    return [place - max(beyond, 0.0) for place in places]


def _step(most: float) -> float:
    """A round step of which about five reach `most`; 1 where there is nothing to show."""
    if most <= 0:
        return 1.0
    unit = 10.0 ** math.floor(math.log10(most / 5))
    return next(unit * factor for factor in (1, 2, 5, 10) if unit * factor * 5 >= most)


def _short(name: str) -> str:
    return name if len(name) <= 28 else f"{name[:27]}…"
