"""Declares the colour matrix in frames of DNxHR, which FFmpeg's encoder always declares to be BT.709's."""

from __future__ import annotations

from typing import Any

from av.packet import Packet

__all__ = ["declare_matrix"]

# SMPTE ST 2019-1, frame header: two bits of this byte name the colour volume.
_PLACE = 0x2C
_SHIFT, _MASK = 1, 0b110
_VOLUMES = {"bt709": 0, "bt2020nc": 1, "bt2020c": 2}
_OUTSIDE = 3
"""The container says it."""


def declare_matrix(packet: Packet[Any], matrix: str) -> None:
    """Set the matrix in an encoded frame, in place."""
    data = bytearray(packet)
    data[_PLACE] = data[_PLACE] & ~_MASK | _VOLUMES.get(matrix, _OUTSIDE) << _SHIFT
    packet.update(bytes(data))
