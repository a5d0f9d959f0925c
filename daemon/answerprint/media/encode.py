"""Float R'G'B' becomes a frame in the encoder's pixel format, by the project's own matrix."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from av.video.format import VideoFormat
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from answerprint.frames.colour import ColourTags
from answerprint.frames.frame import Picture, Plane
from answerprint.media.levels import from_rgb, halve_chroma
from answerprint.media.tags import write_tags

__all__ = ["encode_pixels"]

# Encoder formats: bits, chroma halved (vertically, horizontally); what is not here is R'G'B' or grey.
_YUV: dict[str, tuple[int, bool, bool]] = {
    "yuv420p": (8, True, True),
    "yuv422p10le": (10, False, True),
    "yuv444p10le": (10, False, False),
    "yuva444p10le": (10, False, False),
}

# Beginnings of the other formats' names: the channels of R'G'B'A in the order in which the format has them.
_CHANNELS: dict[str, tuple[int, ...]] = {
    "gray": (0,),
    "rgba": (0, 1, 2, 3),
    "rgb": (0, 1, 2),
    "gbra": (1, 2, 0, 3),
    "gbr": (1, 2, 0),
}

_Samples = NDArray[np.uint16] | NDArray[np.float32]


def encode_pixels(picture: Picture, alpha: Plane | None, pixel_format: str, colour: ColourTags) -> VideoFrame:
    """Return a tagged frame. picture: float32 [H, W, 3] nominal 0..1; alpha: float32 [H, W], opaque for None.

    YUV keeps super-whites and sub-blacks, up to the codes that SDI reserves; 16-bit R'G'B' clips to 0..1; float keeps
    every value. A grey format takes the first channel: it is meant for pictures whose three are the same.
    colour must be resolved (see `resolve_colour`) for a YUV format.
    """
    height, width = picture.shape[:2]
    frame = VideoFrame(width, height, pixel_format)
    opacity = np.ones((height, width), np.float32) if alpha is None else alpha
    if pixel_format in _YUV:
        bits, tall, wide = _YUV[pixel_format]
        y, cb, cr = from_rgb(picture, colour, bits)
        if wide:
            cb, cr = halve_chroma(cb, tall), halve_chroma(cr, tall)
        step = 1 << (bits - 8)
        for index, plane in enumerate((y, cb, cr)):
            _fill(frame, index, _codes(plane, step, 255 * step - 1))
        if pixel_format.startswith("yuva"):
            _fill(frame, 3, _codes(opacity * np.float32(2**bits - 1), 0, 2**bits - 1))
    else:
        _fill_full_range(frame, (*np.moveaxis(picture, -1, 0), opacity))
    write_tags(frame, colour)
    return frame


def _codes(values: Plane, low: int, high: int) -> NDArray[np.uint16]:
    return np.rint(np.clip(values, low, high)).astype(np.uint16)


def _fill(frame: VideoFrame, index: int, samples: _Samples, place: int = 0, count: int = 1) -> None:
    """Write one component into a plane that holds `count` of them side by side. samples: [h, w]."""
    plane = frame.planes[index]
    dtype = _sample_type(frame.format)
    row = plane.line_size // dtype.itemsize
    view = np.frombuffer(memoryview(plane), dtype)[: row * plane.height].reshape(plane.height, row)
    view[:, place : samples.shape[1] * count : count] = samples


def _sample_type(fmt: VideoFormat) -> np.dtype[np.generic]:
    bits = fmt.components[0].bits
    order = ">" if fmt.is_big_endian else "<"
    return np.dtype("u1" if bits <= 8 else f"{order}f4" if bits == 32 else f"{order}u2")


def _fill_full_range(frame: VideoFrame, rgba: Sequence[Plane]) -> None:
    """Write what the format takes of R', G', B' and alpha, each float32 [H, W]: floats as they are, or 16-bit codes."""
    channels = next(order for family, order in _CHANNELS.items() if frame.format.name.startswith(family))
    is_float = _sample_type(frame.format).kind == "f"
    for place, channel in enumerate(channels):
        samples = rgba[channel] if is_float else _codes(rgba[channel] * np.float32(65535), 0, 65535)
        if len(frame.planes) > 1:
            _fill(frame, place, samples)
        else:
            _fill(frame, 0, samples, place, len(channels))
