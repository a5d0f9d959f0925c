"""Conversion of float R'G'B' to a frame in the encoder's pixel format, with the project's own matrix."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from av.video.format import VideoFormat
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from answerprint.frames.colour import ColourTags
from answerprint.frames.frame import Picture, Plane
from answerprint.frames.planes import empty, row_blocks
from answerprint.media.levels import from_rgb, halve_chroma
from answerprint.media.tags import write_tags

__all__ = ["encode_pixels"]

_YUV = re.compile(r"yuv(?P<alpha>a?)4(?:11|20|22|44)p(?:\d+(?:le|be))?")
_FULL_RANGE = re.compile(r"(?P<family>gray|rgba|rgb|gbrap|gbrp)(?:24|48|64|10|12|14|16|f32)?(?:le|be)?")

# Channels of R'G'B'A in the order in which formats of a family have them.
_CHANNELS: dict[str, tuple[int, ...]] = {
    "gray": (0,),
    "rgba": (0, 1, 2, 3),
    "rgb": (0, 1, 2),
    "gbrap": (1, 2, 0, 3),
    "gbrp": (1, 2, 0),
}

_Samples = NDArray[np.uint16] | NDArray[np.float32]


def encode_pixels(
    picture: Picture, alpha: Plane | None, pixel_format: str, colour: ColourTags, *, spare_sdi_codes: bool = False
) -> VideoFrame:
    """Return a tagged frame. picture: float32 [H, W, 3] nominal 0..1; alpha: float32 [H, W], opaque for None.

    pixel_format: 4:1:1, 4:2:0, 4:2:2 or 4:4:4 planar YUV, or full-range R'G'B' or grey of 8 to 16 bits or float.
    YUV has the range of `colour` and keeps super-whites and sub-blacks, in video range without the codes that SDI
    reserves if they are to be spared; integer R'G'B' clips to 0..1; float keeps every value. A grey format takes the
    first channel of three that are equal.
    colour must be resolved (see `resolve_colour`) for a YUV format. Raises ValueError for any other pixel format.
    """
    height, width = picture.shape[:2]
    frame = VideoFrame(width, height, pixel_format)
    opacity = np.ones((height, width), np.float32) if alpha is None else alpha
    if match := _YUV.fullmatch(pixel_format):
        spared = spare_sdi_codes and colour.range != "pc"
        _fill_yuv(frame, picture, opacity if match["alpha"] else None, colour, spared)
    elif match := _FULL_RANGE.fullmatch(pixel_format):
        _fill_full_range(frame, (*np.moveaxis(picture, -1, 0), opacity), _CHANNELS[match["family"]])
    else:
        raise ValueError(f"the pixel format {pixel_format} cannot be written")
    write_tags(frame, colour)
    return frame


def _fill_yuv(
    frame: VideoFrame, picture: Picture, opacity: Plane | None, colour: ColourTags, spare_sdi_codes: bool
) -> None:
    """Write codes of the tagged range. opacity: float32 [H, W] for a format with alpha."""
    fmt = frame.format
    bits = fmt.components[0].bits
    vertical = fmt.chroma_height(2) == 1
    halvings = sum(fmt.chroma_width(width_of_one) == 1 for width_of_one in (2, 4))
    step = 1 << (bits - 8)
    low, high = (step, 255 * step - 1) if spare_sdi_codes else (0, 2**bits - 1)
    views = [_view(frame, index)[..., 0] for index in range(len(frame.planes))]
    whole = [empty(picture.shape[:2], np.float32) for _ in range(2)] if vertical else []
    for rows in row_blocks(*picture.shape[:2]):
        y, *chroma = from_rgb(picture[rows], colour, bits)
        _fill(views[0][rows], y, low, high)
        for index, plane in enumerate(chroma):
            if whole:
                whole[index][rows] = plane
            else:
                _fill(views[1 + index][rows], _halved(plane, halvings), low, high)
        if opacity is not None:
            _fill(views[3][rows], opacity[rows] * np.float32(2**bits - 1), 0, 2**bits - 1)
    for index, plane in enumerate(whole):  # a row of chroma is made of rows of several blocks
        _fill(views[1 + index], _halved(plane, halvings, vertical=True), low, high)


def _halved(plane: Plane, halvings: int, *, vertical: bool = False) -> Plane:
    """Chroma at half its width, so many times."""
    for _ in range(halvings):
        plane = halve_chroma(plane, vertical)
    return plane


def _fill(target: _Samples, values: Plane, low: int, high: int) -> None:
    """Write rounded codes from low to high into a part of a plane [h, w]; `values` are overwritten."""
    np.clip(values, low, high, out=values)
    np.rint(values, out=values)
    target[:] = values


def _view(frame: VideoFrame, index: int, count: int = 1) -> _Samples:
    """The samples of a plane [h, w, count] that holds `count` components side by side."""
    plane = frame.planes[index]
    dtype = _sample_type(frame.format)
    row = plane.line_size // dtype.itemsize
    rows = np.frombuffer(memoryview(plane), dtype)[: row * plane.height].reshape(plane.height, row)
    return rows[:, : plane.width * count].reshape(plane.height, plane.width, count)


def _sample_type(fmt: VideoFormat) -> np.dtype[np.generic]:
    bits = fmt.components[0].bits
    order = ">" if fmt.is_big_endian else "<"
    return np.dtype("u1" if bits <= 8 else f"{order}f4" if bits == 32 else f"{order}u2")


def _fill_full_range(frame: VideoFrame, rgba: Sequence[Plane], channels: Sequence[int]) -> None:
    """Write the format's channels of R', G', B' and alpha, each float32 [H, W]: floats as they are, or as codes."""
    is_float = _sample_type(frame.format).kind == "f"
    top = 2 ** frame.format.components[0].bits - 1
    planar = len(frame.planes) > 1
    for place, channel in enumerate(channels):
        target = _view(frame, place)[..., 0] if planar else _view(frame, 0, len(channels))[..., place]
        for rows in row_blocks(*target.shape):
            if is_float:
                target[rows] = rgba[channel][rows]
            else:
                _fill(target[rows], rgba[channel][rows] * np.float32(top), 0, top)
