"""Rates as people and programs write them, made exact."""

from __future__ import annotations

import math
from fractions import Fraction

from ...errors import InputError

__all__ = ["exact_rate"]

_HIGHEST = 1000
_NTSC = tuple(Fraction(1000 * base, 1001) for base in (24, 30, 48, 60, 96, 120))
_ROUNDING = Fraction(6, 1000)  # 23.98 for 24000/1001; 24 lies further away


def exact_rate(written: float | str) -> Fraction:
    """The rate that is meant: 23.98 and 23.976 are 24000/1001, and `30000/1001` is itself.

    Raises InputError for what is no rate.
    """
    try:
        if isinstance(written, float) and not math.isfinite(written):
            raise ValueError
        rate = Fraction(written.strip() if isinstance(written, str) else written)
    except (ValueError, ZeroDivisionError):
        raise InputError(f"{written} is not a frame rate.", "Write it as 25, 23.976 or 30000/1001.") from None
    if not 0 < rate <= _HIGHEST:
        raise InputError(f"{written} is not a frame rate.", f"Rates above 0 and up to {_HIGHEST} can be used.")
    if rate.denominator == 1:
        return rate
    nearest = min(_NTSC, key=lambda each: abs(each - rate))
    if abs(nearest - rate) < _ROUNDING:
        return nearest
    return rate.limit_denominator(1001)
