"""Float R'G'B' becomes a frame in the encoder's pixel format, by the project's own matrix."""

from __future__ import annotations

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from ..frames.colour import ColourTags
from ..frames.frame import Picture, Plane
from .levels import from_rgb, halve_chroma
from .tags import write_tags

__all__ = ["encode_pixels"]

# Encoder formats: bits, chroma halved (vertically, horizontally); what is not here is R'G'B'.
_YUV: dict[str, tuple[int, bool, bool]] = {
    "yuv420p": (8, True, True),
    "yuv422p10le": (10, False, True),
    "yuv444p10le": (10, False, False),
    "yuva444p10le": (10, False, False),
}


def encode_pixels(picture: Picture, alpha: Plane | None, pixel_format: str, colour: ColourTags) -> VideoFrame:
    """Return a tagged frame. picture: float32 [H, W, 3] nominal 0..1; alpha: float32 [H, W], opaque for None.

    YUV keeps super-whites and sub-blacks, up to the codes that SDI reserves; 16-bit R'G'B' clips to 0..1.
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
        with_alpha = pixel_format.startswith(("gbra", "rgba"))
        codes = _codes(picture * np.float32(65535), 0, 65535)
        opaque = _codes(opacity * np.float32(65535), 0, 65535) if with_alpha else None
        _fill_rgb(frame, codes, opaque, planar=pixel_format.startswith("gbr"))
    write_tags(frame, colour)
    return frame


def _codes(values: Plane, low: int, high: int) -> NDArray[np.uint16]:
    return np.rint(np.clip(values, low, high)).astype(np.uint16)


def _fill(frame: VideoFrame, index: int, codes: NDArray[np.uint16]) -> None:
    plane = frame.planes[index]
    dtype = np.dtype("u1") if frame.format.components[0].bits <= 8 else np.dtype("<u2")
    row = plane.line_size // dtype.itemsize
    view = np.frombuffer(memoryview(plane), dtype)[: row * plane.height].reshape(plane.height, row)
    view[:, : plane.width] = codes


def _fill_rgb(frame: VideoFrame, codes: NDArray[np.uint16], alpha: NDArray[np.uint16] | None, planar: bool) -> None:
    if planar:
        for index, channel in enumerate((1, 2, 0)):
            _fill(frame, index, codes[..., channel])
        if alpha is not None:
            _fill(frame, 3, alpha)
        return
    pixels = codes if alpha is None else np.concatenate([codes, alpha[..., None]], axis=-1)
    plane = frame.planes[0]
    row = plane.line_size // 2
    view = np.frombuffer(memoryview(plane), ">u2")[: row * frame.height].reshape(frame.height, row)
    view[:, : frame.width * pixels.shape[2]] = pixels.reshape(frame.height, -1)
