"""Working spaces: reversible curves between a source's values and the display-referred values that models know.

Models are trained on pictures for display, where middle grey is about 0.46 and white is 1. Scene-linear light is too
dark for them, log is too flat, and PQ is both. So a clip is restored in a working space, and its result is returned
through the inverse of the same curve. Every curve works on each channel alone, is continuous and strictly increasing
on all numbers, and nothing is clamped: what lies outside of 0..1 in the working space is enlarged and added.

Each kind of source is first made linear, with 1 as diffuse white and 0.18 as middle grey, and then seen through one
curve, the shaper: up to middle grey that of sRGB (IEC 61966-2-1); above it a logarithm that continues its slope s,

    y = sRGB(0.18) + ln(1 + 9 s (x - 0.18)) / 9

so that white is 0.72, and 1 is reached at 11.9, six stops above middle grey.

Equations of the other curves: PQ, SMPTE ST 2084, with white at 203 cd/m2 (ITU-R BT.2408); HLG, ITU-R BT.2100, with
white at a signal of 0.75 (BT.2408); Cineon (Kodak), 300 codes a decade, white at code 685 and black at 95;
cameras' and graders' logs as their makers publish them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from answerprint.api.clip_ref import ClipRef
from answerprint.errors import InputError
from answerprint.frames.clip import ClipInfo
from answerprint.frames.colour import CINEON, UNKNOWN, space_named
from answerprint.frames.frame import Frame, Picture
from answerprint.frames.planes import channels_last, empty, row_blocks
from answerprint.text import one_of

__all__ = ["DISPLAY", "SPACES", "WorkingSpace", "choose_space", "displayed", "returned"]

_Values = NDArray[np.float64]
_Map = Callable[[_Values], _Values]

_LINEAR_BITS = 12
"""Integers of up to so many bits cannot hold linear light: a tag that says so is a default, not a fact."""


@dataclass(frozen=True, slots=True)
class _Curve:
    """A curve and its inverse between two values of the source, and straight lines with these slopes beyond them.

    low, high: each the value of the source, and what it becomes.
    """

    forward: _Map
    inverse: _Map
    low: tuple[float, float]
    high: tuple[float, float]
    slopes: tuple[float, float]

    def to_display(self, x: _Values) -> _Values:
        low, high = self.low[0], self.high[0]
        beyond = self.slopes[0] * np.minimum(x - low, 0) + self.slopes[1] * np.maximum(x - high, 0)
        return self.forward(np.clip(x, low, high)) + beyond

    def to_source(self, y: _Values) -> _Values:
        low, high = self.low[1], self.high[1]
        beyond = np.minimum(y - low, 0) / self.slopes[0] + np.maximum(y - high, 0) / self.slopes[1]
        return self.inverse(np.clip(y, low, high)) + beyond


@dataclass(frozen=True, slots=True)
class WorkingSpace:
    """name: what `--working-space` calls it. title: in a sentence. curve: None leaves every value as it is."""

    name: str
    title: str
    curve: _Curve | None = None

    def to_display(self, picture: Picture) -> Picture:
        """A picture of the source [H, W, 3] as models see it."""
        return picture if self.curve is None else _by_blocks(picture, self.curve.to_display)

    def to_source(self, picture: Picture) -> Picture:
        """The inverse of `to_display`."""
        return picture if self.curve is None else _by_blocks(picture, self.curve.to_source)


def _by_blocks(picture: Picture, function: _Map) -> Picture:
    """In double precision, a few rows at a time."""
    height, width, channels = picture.shape
    out = channels_last(empty((channels, height, width), np.float32))
    for rows in row_blocks(height, width):
        out[rows] = function(picture[rows].astype(np.float64))
    return out


def displayed(frames: Iterable[Frame], space: WorkingSpace) -> Iterator[Frame]:
    """Frames of a source in the working space; alpha stays as it is."""
    for frame in frames:
        yield frame if space.curve is None else replace(frame, picture=space.to_display(frame.picture))


def returned(frames: Iterable[Frame], space: WorkingSpace) -> Iterator[Frame]:
    """The inverse of `displayed`."""
    for frame in frames:
        yield frame if space.curve is None else replace(frame, picture=space.to_source(frame.picture))


# The shaper


_GREY, _STEEPNESS = 0.18, 9.0
_TOE, _TOE_SLOPE = 0.0031308, 12.92
_GREY_SHOWN = 1.055 * _GREY ** (1 / 2.4) - 0.055
_GREY_SLOPE = 1.055 / 2.4 * _GREY ** (1 / 2.4 - 1)


def _shape(x: _Values) -> _Values:
    """Linear to display; below 0 a straight line."""
    srgb = np.where(x <= _TOE, _TOE_SLOPE * x, 1.055 * np.clip(x, _TOE, _GREY) ** (1 / 2.4) - 0.055)
    above = np.log1p(_STEEPNESS * _GREY_SLOPE * np.maximum(x - _GREY, 0)) / _STEEPNESS
    return np.where(x <= _GREY, srgb, _GREY_SHOWN + above)


def _unshape(y: _Values) -> _Values:
    toe = _TOE_SLOPE * _TOE
    srgb = np.where(y <= toe, y / _TOE_SLOPE, ((np.clip(y, toe, _GREY_SHOWN) + 0.055) / 1.055) ** 2.4)
    above = np.expm1(_STEEPNESS * np.maximum(y - _GREY_SHOWN, 0)) / (_STEEPNESS * _GREY_SLOPE)
    return np.where(y <= _GREY_SHOWN, srgb, _GREY + above)


def _shaped(decode: _Map, encode: _Map, low: float, high: float, low_slope: float | None = None) -> _Curve:
    """The curve of a source whose values `decode` makes linear. Beyond low and high its slope stays as it is there."""

    def forward(x: _Values) -> _Values:
        return _shape(decode(x))

    def inverse(y: _Values) -> _Values:
        return encode(_unshape(y))

    step = 1e-6 * max(1.0, high)
    ends = forward(np.array([low, low + step, high - step, high]))
    slopes = float((ends[1] - ends[0]) / step) if low_slope is None else low_slope, float((ends[3] - ends[2]) / step)
    return _Curve(forward, inverse, (low, float(ends[0])), (high, float(ends[3])), slopes)


# Sources that are not linear


@dataclass(frozen=True, slots=True)
class _Log:
    """value = scale ln(gain x + offset) + shift, from x = cut on; value = slope x + start below."""

    gain: float
    offset: float
    scale: float
    shift: float
    cut: float = -math.inf
    slope: float = 1.0
    start: float = 0.0

    @property
    def border(self) -> float:
        """The value at `cut`."""
        if self.cut == -math.inf:
            return -math.inf
        return self.scale * math.log(self.gain * self.cut + self.offset) + self.shift

    def decode(self, value: _Values) -> _Values:
        curved = (np.exp((np.maximum(value, self.border) - self.shift) / self.scale) - self.offset) / self.gain
        return np.where(value < self.border, (value - self.start) / self.slope, curved)

    def encode(self, x: _Values) -> _Values:
        curved = self.scale * np.log(self.gain * np.maximum(x, self.cut) + self.offset) + self.shift
        return np.where(x < self.cut, self.slope * x + self.start, curved)

    def curve(self) -> _Curve:
        return _shaped(self.decode, self.encode, 0.0 if self.cut == -math.inf else self.start, 1.5)


_DECADE, _OCTAVE = 1 / math.log(10), 1 / math.log(2)
_CINEON_BLACK = 10 ** ((95 - 685) / 300)
_LOGC4_GAIN, _LOGC4_RANGE, _LOGC4_BLACK = (2**18 - 16) / 117.45, (1023 - 95) / 1023, 95 / 1023
_LOGC4_SLOPE = 7 * math.log(2) * 2 ** (7 - 14 * _LOGC4_BLACK / _LOGC4_RANGE) / (_LOGC4_GAIN * _LOGC4_RANGE)
_LOGC4_CUT = (2 ** (14 * (-_LOGC4_BLACK / _LOGC4_RANGE) + 6) - 64) / _LOGC4_GAIN

_LOGS: Mapping[str, tuple[str, _Log]] = MappingProxyType(
    {
        "log": ("film log (Cineon)", _Log(1 - _CINEON_BLACK, _CINEON_BLACK, 300 / 1023 * _DECADE, 685 / 1023)),
        "logc3": ("ARRI LogC3", _Log(5.555556, 0.052272, 0.247190 * _DECADE, 0.385537, 0.010591, 5.367655, 0.092809)),
        "logc4": (
            "ARRI LogC4",
            _Log(
                _LOGC4_GAIN, 64, _LOGC4_RANGE / 14 * _OCTAVE, _LOGC4_BLACK - 6 / 14 * _LOGC4_RANGE,
                _LOGC4_CUT, 1 / _LOGC4_SLOPE, -_LOGC4_CUT / _LOGC4_SLOPE,
            ),
        ),
        "slog3": (
            "Sony S-Log3",
            _Log(
                1 / 0.19, 0.01 / 0.19, 261.5 / 1023 * _DECADE, 420 / 1023,
                0.01125, (171.2102946929 - 95) / 0.01125 / 1023, 95 / 1023,
            ),
        ),
        "vlog": ("Panasonic V-Log", _Log(1, 0.00873, 0.241514 * _DECADE, 0.598206, 0.01, 5.6, 0.125)),
        "acescct": (
            "ACEScct",
            _Log(1, 0, _OCTAVE / 17.52, 9.72 / 17.52, 0.0078125, 10.5402377416545, 0.0729055341958355),
        ),
        "log3g10": (
            "RED Log3G10",
            _Log(155.975327, 2.55975327, 0.224282 * _DECADE, 0.0, -0.01, 15.1927, 0.151927),
        ),
        "bmdfilm5": (
            "Blackmagic Film Gen 5",
            _Log(1, 0.005494072432257808, 0.08692876065491224, 0.5300133392291939,
                 0.005, 8.283605932402494, 0.09246575342465753),
        ),
        "davinci": (
            "DaVinci Intermediate",
            _Log(1, 0.0075, 0.07329248 * _OCTAVE, 7 * 0.07329248, 0.00262409, 10.44426855, 0.0),
        ),
    }
)  # fmt: skip

_PQ_M1, _PQ_M2 = 2610 / 16384, 2523 / 4096 * 128
_PQ_C1, _PQ_C2, _PQ_C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
_PQ_WHITE = 203 / 10000


def _from_pq(value: _Values) -> _Values:
    root = value ** (1 / _PQ_M2)
    light: _Values = (np.maximum(root - _PQ_C1, 0) / (_PQ_C2 - _PQ_C3 * root)) ** (1 / _PQ_M1) / _PQ_WHITE
    return light


def _to_pq(x: _Values) -> _Values:
    root = (x * _PQ_WHITE) ** _PQ_M1
    value: _Values = ((_PQ_C1 + _PQ_C2 * root) / (1 + _PQ_C3 * root)) ** _PQ_M2
    return value


_HLG_A = 0.17883277
_HLG_B, _HLG_C = 1 - 4 * _HLG_A, 0.5 - _HLG_A * math.log(4 * _HLG_A)
_HLG_WHITE = (math.exp((0.75 - _HLG_C) / _HLG_A) + _HLG_B) / 12


def _from_hlg(value: _Values) -> _Values:
    above = (np.exp((np.maximum(value, 0.5) - _HLG_C) / _HLG_A) + _HLG_B) / 12
    return np.where(value <= 0.5, value * value / 3, above) / _HLG_WHITE


def _to_hlg(x: _Values) -> _Values:
    light = x * _HLG_WHITE
    above = _HLG_A * np.log(12 * np.maximum(light, 1 / 12) - _HLG_B) + _HLG_C
    return np.where(light <= 1 / 12, np.sqrt(3 * light), above)


def _same(x: _Values) -> _Values:
    return x


_DARK = 0.05
"""Below this signal of PQ and HLG, which are nearly flat there, a straight line to the origin keeps them invertible."""


def _from_dark(decode: _Map, encode: _Map, high: float) -> _Curve:
    slope = float(_shape(decode(np.array([_DARK])))[0]) / _DARK
    return _shaped(decode, encode, _DARK, high, slope)


DISPLAY = WorkingSpace("display", "display-referred")
"""Every value as it is: of all sources that nothing says more of."""

SPACES: Mapping[str, WorkingSpace] = MappingProxyType(
    {
        space.name: space
        for space in (
            DISPLAY,
            WorkingSpace("linear", "scene-linear", _shaped(_same, _same, 0.0, 65504.0, _TOE_SLOPE)),
            WorkingSpace("pq", "PQ (HDR)", _from_dark(_from_pq, _to_pq, 1.0)),
            WorkingSpace("hlg", "HLG (HDR)", _from_dark(_from_hlg, _to_hlg, 1.5)),
            *(WorkingSpace(name, title, log.curve()) for name, (title, log) in _LOGS.items()),
        )
    }
)
"""All of them by name. `log` is that of scanned film."""

_TRANSFERS = {"smpte2084": "pq", "arib-std-b67": "hlg", CINEON: "log"}


def choose_space(asked: str, info: ClipInfo, clip: ClipRef) -> WorkingSpace:
    """Return the working space that was asked for; for `auto`, what the editor says, or else the source's tags.

    Raises InputError for a name that is none.
    """
    name = _automatic(info, clip) if asked == "auto" else asked.lower()
    if name not in SPACES:
        raise InputError(f"There is no working space {asked!r}.", f"Give {one_of(['auto', *SPACES])}.")
    return SPACES[name]


def _automatic(info: ClipInfo, clip: ClipRef) -> str:
    said = space_named(clip.gamma) or space_named(clip.colour_space)
    if said:
        return said
    transfer = info.colour.transfer
    if transfer == "linear":
        return "linear" if info.bit_depth > _LINEAR_BITS else "display"
    if transfer == UNKNOWN and info.bit_depth == 32:  # floats are light
        return "linear"
    return _TRANSFERS.get(transfer, "display")
