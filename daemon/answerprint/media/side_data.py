"""What decoders attach to a frame, past two faults of PyAV 18.

It refuses all side data of a frame if it does not know the kind of one of them, such as EXIF of JPEG and the views of
stereoscopic HEVC. And it frees the texts of side data twice; an ICC profile has one, its name.
"""

from __future__ import annotations

import ctypes
import gc
from typing import Any

from av.dictionary import Dictionary
from av.sidedata.sidedata import Type
from av.video.frame import VideoFrame

__all__ = ["Type", "side_data"]


def side_data(frame: VideoFrame, kind: Type) -> bytes:
    """Return a frame's side data of a kind, as FFmpeg lays it out in memory; empty without it."""
    for each in frame.side_data:
        for owned in gc.get_referents(each):
            if isinstance(owned, Dictionary) and len(owned):
                ctypes.pythonapi.Py_IncRef(ctypes.py_object(owned))  # so the frame alone frees it
    found = frame.side_data.get(kind)  # type: ignore[call-overload] # PyAV's stub knows one kind only
    return b"" if found is None else bytes(found)


def _unknown(kinds: type[Type], number: object) -> Type:
    """A kind without a name."""
    made: Any = object.__new__(kinds)
    made._name_, made._value_ = f"UNKNOWN_{number}", number
    return made  # type: ignore[no-any-return]


# The way of Python's enumerations to take numbers that are not among them.
Type._missing_ = classmethod(_unknown)  # type: ignore[assignment, method-assign]
