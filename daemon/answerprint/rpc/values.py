"""Converts single values between the protocol and the program; none fails on values that the program made."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from answerprint.rpc.v1 import restoration_pb2 as pb

__all__ = ["carried_text", "count", "flow_counts", "fraction_text", "number", "rational", "seconds_from", "timestamp"]

_LARGEST = 2**63 - 1
_MICROSECONDS = 10**6


def carried_text(value: object) -> str:
    """A text as the protocol can carry it: bytes of a file name that are not Unicode become escapes."""
    return ("" if value is None else str(value)).encode("utf-8", "backslashreplace").decode()


def count(value: object) -> int:
    """A number of things, 0 where it is not known."""
    if not isinstance(value, (int, float)) or not math.isfinite(value):
        return 0
    return min(max(0, int(value)), _LARGEST)


def number(value: object) -> float | None:
    """A finite number, None for everything else."""
    return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else None


def timestamp(seconds: float | None) -> Timestamp | None:
    """Seconds since 1970, to the microsecond."""
    if seconds is None:
        return None
    whole, micros = divmod(round(seconds * _MICROSECONDS), _MICROSECONDS)
    return Timestamp(seconds=whole, nanos=micros * 1000)


def seconds_from(message: Any, field: str) -> float | None:  # noqa: ANN401 - any message with such a field
    """A time of a message in seconds since 1970, None where it is unset."""
    if not message.HasField(field):
        return None
    stamp: Timestamp = getattr(message, field)
    return (stamp.seconds * _MICROSECONDS + stamp.nanos // 1000) / _MICROSECONDS


def rational(value: object) -> pb.Rational | None:
    """A fraction written as text, such as 24000/1001; None where it is none."""
    try:
        fraction = Fraction(str(value))
        return pb.Rational(numerator=fraction.numerator, denominator=fraction.denominator)
    except (ValueError, ZeroDivisionError):
        return None


def fraction_text(value: pb.Rational) -> str:
    """The text of a fraction."""
    return str(Fraction(value.numerator, value.denominator or 1))


def flow_counts(event: Mapping[str, Any]) -> tuple[int, int]:
    """Hits and misses of the flow cache in an event."""
    flow = event.get("flow_cache") or {}
    return count(flow.get("hits")), count(flow.get("misses"))
