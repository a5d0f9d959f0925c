"""Timecode in the headers of DPX and EXR pictures, which FFmpeg's decoders do not pass on unchanged."""

from __future__ import annotations

from typing import Literal

__all__ = ["header_timecode"]

_DPX_TIMECODE = 1920  # SMPTE ST 268: television header, BCD HHMMSSFF
_DPX_TELEVISION_END = 2048
_UNDEFINED = 0xFFFFFFFF
_EXR_ATTRIBUTE = b"timeCode\0timecode\0\x08\0\0\0"
_EXR_HEAD = 1 << 16
_DROP_FLAG = 0x40


def header_timecode(data: bytes, codec: str) -> str | None:
    """Return the label HH:MM:SS:FF in a picture's header, None if it has none. codec: FFmpeg's name."""
    if codec == "dpx" and len(data) >= _DPX_TELEVISION_END:
        order: Literal["big", "little"] = "big" if data.startswith(b"SDPX") else "little"
        if int.from_bytes(data[4:8], order) < _DPX_TELEVISION_END:
            return None  # there is no television header: the picture begins earlier
        word = int.from_bytes(data[_DPX_TIMECODE : _DPX_TIMECODE + 4], order)
        return None if word == _UNDEFINED else _label(word)
    if codec == "exr":
        place = data.find(_EXR_ATTRIBUTE, 0, _EXR_HEAD)
        if place >= 0:
            start = place + len(_EXR_ATTRIBUTE)
            return _label(int.from_bytes(data[start : start + 4], "little"))
    return None


def _label(word: int) -> str | None:
    """Return the label of a BCD word of SMPTE ST 12: hours in the top byte, frames and the drop flag in the lowest."""
    tens_masks = (0x3, 0x7, 0x7, 0x3)  # the bytes of the tens also hold flags
    parts = []
    for shift, mask in zip((24, 16, 8, 0), tens_masks, strict=True):
        byte = word >> shift & 0xFF
        units = byte & 0xF
        if units > 9:
            return None
        parts.append(10 * (byte >> 4 & mask) + units)
    hours, minutes, seconds, frames = parts
    separator = ";" if word & _DROP_FLAG else ":"
    return f"{hours:02}:{minutes:02}:{seconds:02}{separator}{frames:02}"
