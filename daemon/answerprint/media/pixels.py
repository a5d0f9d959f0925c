"""Conversion of a decoded frame of any pixel format to float R'G'B' [H, W, 3], directly from its planes.

swscale clips super-whites (10-bit luma 1000 becomes 943). So it only unpacks rare formats, into a 16-bit planar format
of the same family, with the same matrix and range.
"""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
from av.video.format import VideoFormat
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from answerprint.errors import MediaError
from answerprint.frames.colour import ColourTags, resolve_colour
from answerprint.frames.frame import Picture, Plane
from answerprint.frames.planes import picture_of
from answerprint.media import levels

__all__ = ["bit_depth", "decode_pixels", "has_alpha"]

_YUV = re.compile(r"yuv(?P<full>j?)(?P<alpha>a?)(?P<sampling>\d{3})p(?P<bits>\d*)(?:le|be)?")
_GBR = re.compile(r"gbr(?P<alpha>a?)p(?P<bits>\d*)(?:le|be)?")
_GRAY = re.compile(r"gray(?P<bits>\d*)(?:le|be)?")
_FLOAT = re.compile(r"(?P<kind>gbrap|gbrp|gray)f32(?:le|be)?")
_SEMI = re.compile(r"(?P<kind>nv12|nv21|nv16|nv24|nv42|p[024]1[026])(?:le|be)?")

# (vertical, horizontal) subsampling of chroma.
_SAMPLING = {"444": (1, 1), "422": (1, 2), "420": (2, 2), "440": (2, 1), "411": (1, 4), "410": (4, 4)}
_SEMI_SAMPLING = {"nv12": "420", "nv21": "420", "nv16": "422", "nv24": "444", "nv42": "444"}

# Packed formats: element type, elements of a pixel, places of R, G, B (or grey three times), place of alpha.
_PACKED: dict[str, tuple[str, int, tuple[int, int, int], int | None]] = {
    "rgb24": ("u1", 3, (0, 1, 2), None),
    "bgr24": ("u1", 3, (2, 1, 0), None),
    "rgba": ("u1", 4, (0, 1, 2), 3),
    "bgra": ("u1", 4, (2, 1, 0), 3),
    "argb": ("u1", 4, (1, 2, 3), 0),
    "abgr": ("u1", 4, (3, 2, 1), 0),
    "rgb0": ("u1", 4, (0, 1, 2), None),
    "bgr0": ("u1", 4, (2, 1, 0), None),
    "0rgb": ("u1", 4, (1, 2, 3), None),
    "0bgr": ("u1", 4, (3, 2, 1), None),
    "rgb48le": ("<u2", 3, (0, 1, 2), None),
    "rgb48be": (">u2", 3, (0, 1, 2), None),
    "bgr48le": ("<u2", 3, (2, 1, 0), None),
    "bgr48be": (">u2", 3, (2, 1, 0), None),
    "rgba64le": ("<u2", 4, (0, 1, 2), 3),
    "rgba64be": (">u2", 4, (0, 1, 2), 3),
    "ya8": ("u1", 2, (0, 0, 0), 1),
    "ya16le": ("<u2", 2, (0, 0, 0), 1),
    "ya16be": (">u2", 2, (0, 0, 0), 1),
}


def has_alpha(fmt: VideoFormat) -> bool:
    """Whether the format carries alpha; a palette may."""
    return fmt.name == "pal8" or any(component.is_alpha for component in fmt.components)


def bit_depth(fmt: VideoFormat) -> int:
    """Bits of the deepest component; 32 for float, 8 for a palette."""
    return 8 if fmt.has_palette else max((component.bits for component in fmt.components), default=8)


def decode_pixels(frame: VideoFrame, colour: ColourTags, centred: bool = False) -> tuple[Picture, Plane | None]:
    """Return (picture, alpha): float32 [H, W, 3] nominal 0..1 and not clamped, and float32 [H, W] or None.

    colour: the clip's tags; `resolve_colour` decides missing ones. R'G'B' and grey formats are full range whatever the
    tag says, unless grey is tagged `tv`. centred: JPEG's siting of chroma.
    Raises MediaError for a format that is not an ordinary picture (Bayer data, hardware surfaces).
    """
    name = frame.format.name
    if match := _YUV.fullmatch(name):
        bits = int(match["bits"] or 8)
        full = replace(colour, range="pc") if match["full"] else colour
        planes = [_plane(frame, index) for index in range(3)]
        picture = _from_yuv(planes, match["sampling"], full, bits, centred)
        return picture, _unit(_plane(frame, 3), bits) if match["alpha"] else None
    if match := _SEMI.fullmatch(name):
        return _from_semiplanar(frame, match["kind"], colour, centred), None
    if match := _FLOAT.fullmatch(name):
        return _from_float(frame, match["kind"])
    if match := _GBR.fullmatch(name):
        bits = int(match["bits"] or 8)
        green, blue, red = (_unit(_plane(frame, index), bits) for index in range(3))
        return picture_of(red, green, blue), _unit(_plane(frame, 3), bits) if match["alpha"] else None
    if match := _GRAY.fullmatch(name):
        bits = int(match["bits"] or 8)
        offset, scale, _, _ = levels.scales("tv" if colour.range == "tv" else "pc", bits)
        grey = (_plane(frame, 0).astype(np.float32) - np.float32(offset)) * np.float32(1 / scale)
        return picture_of(grey, grey, grey), None
    if name in _PACKED:
        return _from_packed(frame, name)
    return _through_swscale(frame, colour, centred)


def _dtype(fmt: VideoFormat, bits: int) -> np.dtype[np.generic]:
    order = ">" if fmt.is_big_endian else "<"
    return np.dtype("u1" if bits <= 8 else f"{order}f4" if bits == 32 else f"{order}u2")


def _plane(frame: VideoFrame, index: int, elements: int = 1) -> NDArray[np.generic]:
    """View a plane as [h, w], or as [h, w, elements] if samples have several; rows may be padded in memory."""
    plane = frame.planes[index]
    dtype = _dtype(frame.format, max(component.bits for component in frame.format.components))
    row = plane.line_size // dtype.itemsize
    flat = np.frombuffer(memoryview(plane), dtype)[: row * plane.height]
    view: NDArray[np.generic] = flat.reshape(plane.height, row)[:, : plane.width * elements]
    return view if elements == 1 else view.reshape(plane.height, plane.width, elements)


def _unit(codes: NDArray[np.generic], bits: int) -> Plane:
    """Full-range code values to 0..1. Divides, because a product with 1/x would not keep all 65535 levels exact."""
    return codes.astype(np.float32) / np.float32(2**bits - 1)


def _from_yuv(
    planes: list[NDArray[np.generic]], sampling: str, colour: ColourTags, bits: int, centred: bool
) -> Picture:
    return levels.to_rgb(planes, _SAMPLING[sampling], resolve_colour(colour, planes[0].shape[0]), bits, centred=centred)


def _from_semiplanar(frame: VideoFrame, kind: str, colour: ColourTags, centred: bool) -> Picture:
    """Formats like nv12 interleave chroma; formats like p010 also keep their bits at the top of 16."""
    bits = 8 if kind.startswith("n") else int(kind[2:])
    sampling = _SEMI_SAMPLING.get(kind) or {"0": "420", "2": "422", "4": "444"}[kind[1]]
    luma = _plane(frame, 0)
    both = _plane(frame, 1, elements=2)
    if bits > 8:
        shift = 16 - bits
        luma, both = luma.astype(np.uint16) >> shift, both.astype(np.uint16) >> shift
    cb, cr = (both[..., 1], both[..., 0]) if kind in ("nv21", "nv42") else (both[..., 0], both[..., 1])
    return _from_yuv([luma, cb, cr], sampling, colour, bits, centred)


def _from_float(frame: VideoFrame, kind: str) -> tuple[Picture, Plane | None]:
    if kind == "gray":
        grey = _plane(frame, 0).astype(np.float32)
        return picture_of(grey, grey, grey), None
    green, blue, red = (_plane(frame, index).astype(np.float32) for index in range(3))
    alpha = _plane(frame, 3).astype(np.float32) if kind == "gbrap" else None
    return picture_of(red, green, blue), alpha


def _from_packed(frame: VideoFrame, name: str) -> tuple[Picture, Plane | None]:
    element, count, places, alpha = _PACKED[name]
    plane = frame.planes[0]
    dtype = np.dtype(element)
    row = plane.line_size // dtype.itemsize
    flat = np.frombuffer(memoryview(plane), dtype)[: row * frame.height]
    pixels = flat.reshape(frame.height, row)[:, : frame.width * count].reshape(frame.height, frame.width, count)
    bits = 8 * dtype.itemsize
    picture = picture_of(*(_unit(pixels[..., place], bits) for place in places))
    return picture, None if alpha is None else _unit(pixels[..., alpha], bits)


def _through_swscale(frame: VideoFrame, colour: ColourTags, centred: bool) -> tuple[Picture, Plane | None]:
    """Unpack a rare format into planes of the same family, then decode those."""
    fmt = frame.format
    components = fmt.components
    if fmt.is_bayer or not components or any(component.bits == 0 for component in components):
        raise MediaError(f"The pixel format {fmt.name} is not supported.", "Render the clip to ProRes in Resolve.")
    alpha = has_alpha(fmt)
    if any(component.bits == 32 for component in components) or "f16" in fmt.name:
        target = "gbrapf32le" if alpha else "gbrpf32le"
    elif fmt.has_palette or (bit_depth(fmt) <= 8 and (fmt.is_rgb or len(components) < 3)):
        target = "rgba" if alpha else "rgb24"  # exact; swscale's conversion to 16 bits loses half an 8-bit level
    elif fmt.is_rgb or len(components) < 3:
        target = "gbrap16le" if alpha else "gbrp16le"
    else:
        target = "yuva444p16le" if alpha else "yuv444p16le"
    same = 2 if not target.startswith("yuv") or colour.range == "pc" else 1
    unpacked = frame.reformat(format=target, src_color_range=same, dst_color_range=same)
    if target.startswith("yuv"):
        # In swscale's 16-bit target the source's codes are shifted left, as in every limited-range format.
        return decode_pixels(unpacked, replace(colour, range="pc" if same == 2 else "tv"), centred)
    return decode_pixels(unpacked, colour, centred)
