"""Layouts and samples of sound, where PyAV 18 would crash.

A layout whose channels have an order of their own (`8 channels (FL+FR+FC+LFE+SL+SR+BL+BR)`, common in QuickTime files
for broadcast) is freed twice: with PyAV's object and with its owner. And the planes of a frame of eight planes or more
are counted beyond their end.
"""

from __future__ import annotations

import ctypes
import re
from typing import Any

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.layout import AudioLayout
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from numpy.typing import NDArray

__all__ = ["kept", "samples_of", "take_plain_layout"]

_NO_STANDARD = re.compile(r"\d+ channels \(")
_PLANES = 8  # from so many on, PyAV reads beyond the last one


def take_plain_layout(stream: AudioStream) -> None:
    """Let a track that is not decoded yet have just a number of channels, if they have an order of their own.

    Copies of its packets keep the order: it stays in the parameters of the stream.
    """
    context = stream.codec_context
    if context is not None and _has_own_order(layout := context.layout):
        context.layout = f"{layout.nb_channels} channels"


def kept(frame: AudioFrame) -> AudioFrame:
    """Return a decoded frame, whose layout is kept for ever if its decoder gives its channels an order of their own."""
    _has_own_order(frame.layout)
    return frame


def _has_own_order(layout: AudioLayout) -> bool:
    """Whether it may be of the kind that is freed twice; then this object, some 100 bytes, never is."""
    if not _NO_STANDARD.match(layout.name):
        return False
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(layout))
    return True


def samples_of(frame: AudioFrame) -> NDArray[Any]:
    """The samples of a decoded frame: [samples, channels]."""
    channels = frame.layout.nb_channels
    if not frame.format.is_planar:
        return frame.to_ndarray().reshape(-1, channels)
    if channels < _PLANES:
        return frame.to_ndarray().T
    packed = AudioResampler(format=frame.format.packed.name).resample(frame)
    return np.concatenate([each.to_ndarray().reshape(-1, channels) for each in packed])
