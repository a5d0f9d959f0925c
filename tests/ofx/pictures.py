"""Pictures with everything that a fit needs: colours, grain and detail; and what hosts do to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from answerprint.ofx.comparison import HostPicture
from answerprint.ofx.curves import CURVES, Values, gamut_matrices
from answerprint.ofx.layout import lattice

Conversion = Callable[[Values], Values]


def scene(width: int = 192, height: int = 108, *, at: float = 0.0, seed: int = 0, grain: float = 1.5 / 1023) -> Values:
    """A moving picture [height, width, 3] with wide colours, in 0..1. at: frames since its start."""
    y, x = np.mgrid[0:height, 0:width] / np.array([height, width])[:, None, None]
    x = x + 0.03 * at
    waves = np.stack([np.sin(6 * x + 3 * y), np.sin(5 * y + 1 + 2 * x), np.cos(7 * x * y + 2)], -1)
    picture = (0.5 + 0.5 * waves) * (0.15 + 0.8 * np.abs(np.sin(2 * x + 0.5)))[..., None]
    blocks = (np.floor(x * 24) + np.floor(y * 16)) % 3 / 3 - 0.3
    picture = picture + 0.12 * blocks[..., None]
    noise = np.random.default_rng([seed, round(1000 * at) + 10**6]).normal(0, grain, picture.shape)
    return np.asarray(np.clip(0.02 + 0.93 * picture + noise, 0.0, 1.0), np.float64)


def narrow(picture: Values) -> Values:
    """The picture in few colours: pale, warm and without its ends."""
    grey = picture.mean(-1, keepdims=True)
    return np.asarray(0.1 + 0.6 * (grey + 0.3 * (picture - grey)) * np.array([1.0, 0.85, 0.7]), np.float64)


def _convert(source: str, host: str, gamut: str = "none") -> Conversion:
    matrix = gamut_matrices()[gamut]
    return lambda values: CURVES[host].from_light(CURVES[source].to_light(values) @ matrix.T)


def _tone_mapped(values: Values) -> Values:
    """Log to a display, with a shoulder that no standard has."""
    light = np.maximum(CURVES["logc3"].to_light(0.1 + 0.55 * values) @ gamut_matrices()["awg3-rec709"].T, 0)
    return CURVES["gamma 2.4"].from_light(1.1 * light / (light + 0.4))


def _drained(values: Values) -> Values:
    """A display transform that takes colour out of bright light, which is neither curves nor a matrix."""
    light = CURVES["gamma 2.4"].to_light(values)
    bright = light.mean(-1, keepdims=True)
    return CURVES["srgb"].from_light(light + 0.35 * bright * (bright - light))


CONVERSIONS: Mapping[str, Conversion] = MappingProxyType(
    {
        "sRGB": _convert("gamma 2.4", "srgb"),
        "gamma 2.4": _convert("srgb", "gamma 2.4"),
        "log to linear": _convert("logc3", "linear"),
        "709 to P3": _convert("gamma 2.4", "gamma 2.6", "rec709-p3"),
        "ACEScct": _convert("gamma 2.4", "acescct", "rec709-ap1"),
        "log to 709": _convert("slog3", "rec709", "sgamut3cine-rec709"),
        "levels": lambda values: values * (219 / 255) + 16 / 255,
    }
)
"""What standards define; the names are those of the bars."""

OTHERS: Mapping[str, Conversion] = MappingProxyType({"a tone curve": _tone_mapped, "a 3-D table": _drained})
"""What a maker has made up."""


def as_host(picture: Values, columns: int = 128, rows: int = 72) -> HostPicture:
    """The samples that the plugin sends of a picture, rounded to half."""
    height, width = picture.shape[:2]
    columns, rows = min(columns, width), min(rows, height)
    lines = (height - 1 - lattice(height, rows))[::-1]
    samples = picture[np.ix_(lines, lattice(width, columns))]
    return HostPicture(samples.astype(np.float16).astype(np.float64), (width, height))


def whole(picture: Values) -> NDArray[np.float32]:
    """As a decoder gives it."""
    return picture.astype(np.float32)
