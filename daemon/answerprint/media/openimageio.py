"""Reads pictures with OpenImageIO: formats that FFmpeg does not read, or whose values its conversions would clip."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import OpenImageIO as oiio
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from answerprint.errors import MediaError
from answerprint.frames.clip import PixelWindow
from answerprint.frames.colour import CINEON, UNKNOWN, UNTAGGED, ColourTags
from answerprint.frames.timecode import label_of_word, plausible_rate
from answerprint.media.boundary import MAX_PIXELS, animation, check_size
from answerprint.media.headers import StillHeader, profile_notices
from answerprint.media.orientation import UPRIGHT
from answerprint.store.atomic import shown

__all__ = ["CHROMATICITIES", "header_attributes", "header_texts", "read_header", "read_picture", "stored_orientation"]

_Pixels = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32]  # [H, W, channels]

_MAX_MEGABYTES = MAX_PIXELS * 16 >> 20
_MAX_CHANNELS = 1024
_LAYER = re.compile(r"(?:(?P<layer>.+)\.)?(?P<channel>[^.]+)")
_COLOURS = (("R", "G", "B"), ("RED", "GREEN", "BLUE"), ("Y",), ("I",), ("L",))
_CONVERTED = ("CMYK", "CIELAB", "ICCLAB", "ITULAB")
_ALPHAS = ("A", "ALPHA")

# Chromaticities of red, green, blue and white (x, y), by FFmpeg's names of primaries.
CHROMATICITIES: Mapping[str, Sequence[float]] = MappingProxyType(
    {
        "bt709": (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290),
        "bt2020": (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, 0.3127, 0.3290),
        "smpte432": (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, 0.3127, 0.3290),
        "smpte431": (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, 0.314, 0.351),
    }
)


@dataclass(frozen=True, slots=True)
class _Part:
    """The part of a file that is restored, and its channels by their places: R, G, B or grey, then alpha."""

    number: int
    spec: oiio.ImageSpec
    channels: tuple[int, ...]
    has_alpha: bool
    left_out: tuple[str, ...]


def stored_orientation(path: Path) -> int:
    """How a picture is stored, by EXIF's codes; 1, upright, if it does not say."""
    with _opened(path) as source:
        return _orientation(source.spec())


def read_header(path: Path, codec: str) -> StillHeader:
    """Return what a picture's header says. Raises MediaError if it is damaged, or no picture that can be restored."""
    with _opened(path) as source:
        return _header(_part(path, source), codec)


def read_picture(
    path: Path, codec: str, window: PixelWindow | None = None, display: PixelWindow | None = None
) -> tuple[VideoFrame, StillHeader]:
    """Return a picture as planes of R'G'B' or grey with all its codes, and its header.

    window: the pixels that are wanted, by the file's own coordinates; those that it has not stored are black and clear.
    display: the display window that this holds for; None for any.
    Raises MediaError if the file is damaged.
    """
    with _opened(path) as source:
        part = _part(path, source)
        header = _header(part, codec)
        if codec == "exr" and str(part.spec.format) == "uint":
            raise MediaError(
                f"{shown(path)} holds whole numbers, such as those of objects, and no picture.",
                "Name a file whose channels are floats.",
            )
        samples, bits = _samples(path, source, part)
        header = replace(header, half=str(part.spec.format) == "half")
    stored = header.data_window or PixelWindow(0, 0, part.spec.width, part.spec.height)
    if window is not None and stored != window and display in (None, header.display_window or stored):
        samples = _placed(samples, stored, window)
    return _as_frame(samples, bits, part.has_alpha), header


# Attributes that say how a picture is stored, or that the picture written says itself.
_STORAGE = re.compile(
    r"oiio:.*|openexr:.*|tiff:.*|dpx:(?!InputDevice|InputDeviceSerialNumber|SlateInfo|FrameId|Format$).*|answerprint_.*"
    r"|compression|planarconfig|Orientation|PixelAspectRatio|[Ff]ramesPerSecond|smpte:TimeCode|Software|chunkCount|type|name"
    r"|version|lineOrder|channels|dataWindow|displayWindow|tiles|preview|multiView|view|X?Y?Resolution|ResolutionUnit"
    r"|CICP|chromaticities|textureformat|Exif:PixelXDimension|Exif:PixelYDimension|Exif:ImageUniqueID"
)
_PREFIX = re.compile(r"(dpx|png|webp|targa|cineon|bmp|jpeg2000|gif|jpeg):")


def header_attributes(path: Path, writer: str) -> Mapping[str, tuple[oiio.TypeDesc, Any]]:
    """Return what a picture's header says beyond the picture, by name, as far as a format can hold it.

    writer: OpenImageIO's name of that format. Raises MediaError if the picture cannot be read.
    """
    with _opened(path) as source:
        kept = {}
        for each in source.spec().extra_attribs:
            foreign = _PREFIX.match(each.name)
            if _STORAGE.fullmatch(each.name) or _is_undefined(each.value):
                continue
            if foreign is None or foreign[1] == writer:
                kept[each.name] = (each.type, each.value)
        return kept


def _is_undefined(value: object) -> bool:
    """Whether a field of a DPX header is not filled in: bytes of ones, which are no text, and zeros of a keycode."""
    if isinstance(value, str):
        return not value.isprintable() or (not value.isascii() and "\udc80" <= max(value) <= "\udcff")
    return isinstance(value, tuple) and len(value) == 7 and not any(value[:5])


def header_texts(path: Path) -> Mapping[str, str]:
    """Return the texts of a picture's header by name. Raises MediaError if it cannot be read."""
    with _opened(path) as source:
        found: dict[str, Any] = {each.name: each.value for each in source.spec().extra_attribs}
    user = found.get("dpx:UserData")
    if user is not None:
        found["dpx:UserData"] = np.asarray(user, np.uint8).tobytes().rstrip(b"\0").decode("utf-8", "replace")
    return {name: value for name, value in found.items() if isinstance(value, str)}


@contextmanager
def _opened(path: Path) -> Iterator[oiio.ImageInput]:
    oiio.attribute("limits:imagesize_MB", _MAX_MEGABYTES)
    oiio.attribute("limits:channels", _MAX_CHANNELS)
    config = oiio.ImageSpec()
    config.attribute("oiio:UnassociatedAlpha", 1)  # alpha stays as it is stored
    source = oiio.ImageInput.open(str(path), config)
    if source is None:
        raise _damaged(path, oiio.geterror())
    try:
        yield source
    finally:
        source.close()


def _damaged(path: Path, why: str) -> MediaError:
    reason = " ".join(why.split()).rstrip(".")
    return MediaError(f"{shown(path)} cannot be read ({reason or 'no reason given'}).", "The file is damaged.")


def _part(path: Path, source: oiio.ImageInput) -> _Part:
    """Choose the first part that has colour, or else the first one; of pages, the largest: a small one is a thumbnail.

    Raises MediaError for what is no plain picture.
    """
    specs: list[oiio.ImageSpec] = []
    while source.seek_subimage(len(specs), 0) and len(specs) < _MAX_CHANNELS:
        specs.append(source.spec())
    oiio.geterror()  # of the part after the last one
    if specs and specs[0].get_int_attribute("oiio:Movie", 0):
        raise animation(path)
    flat = [(number, spec) for number, spec in enumerate(specs) if not spec.deep and spec.depth <= 1]
    if not flat:
        raise MediaError(
            f"{shown(path)} is a deep picture: its pixels have many samples.", "Flatten it before it is restored."
        )
    named = any(spec.get_string_attribute("name") for _, spec in flat)
    number, spec = max(flat, key=lambda each: (len(_colours(each[1])) == 3, 0 if named else _pixels(each[1])))
    check_size(path, spec.width, spec.height)
    check_size(path, spec.full_width, spec.full_height)
    colours = _colours(spec) or (0,)
    alpha = _alpha(spec, colours)
    channels = colours if alpha is None else (*colours, alpha)
    others = [name for place, name in enumerate(spec.channelnames) if place not in channels]
    pages = [each for place, each in enumerate(specs) if place != number and _is_another(each, spec)]
    others += [each.get_string_attribute("name") or f"picture {specs.index(each) + 1}" for each in pages]
    return _Part(number, spec, channels, alpha is not None, tuple(others))


def _pixels(spec: oiio.ImageSpec) -> int:
    return int(spec.width * spec.height)


def _is_another(spec: oiio.ImageSpec, chosen: oiio.ImageSpec) -> bool:
    """Whether a part is a picture of its own; one of another size in a format without names is a thumbnail."""
    return bool(spec.get_string_attribute("name")) or (spec.width, spec.height) == (chosen.width, chosen.height)


def _colours(spec: oiio.ImageSpec) -> tuple[int, ...]:
    """The places of R, G and B, or of grey; of the first layer that has them, empty if none has."""
    names = [name.upper() for name in spec.channelnames]
    layers = dict.fromkeys(["", *(_layer(name) for name in names)])
    for wanted in _COLOURS:
        for layer in layers:
            full = [f"{layer}.{name}" if layer else name for name in wanted]
            if all(name in names for name in full):
                return tuple(names.index(name) for name in full)
    return ()


def _layer(name: str) -> str:
    match = _LAYER.fullmatch(name)
    return match["layer"] or "" if match else ""


def _alpha(spec: oiio.ImageSpec, colours: Sequence[int]) -> int | None:
    """The place of the alpha that belongs to the colours."""
    layer = _layer(spec.channelnames[colours[0]].upper())
    names = [name.upper() for name in spec.channelnames]
    wanted = [f"{layer}.{name}" if layer else name for name in _ALPHAS]
    found = next((names.index(name) for name in wanted if name in names), None)
    if found is None and not layer and spec.alpha_channel >= 0:
        found = int(spec.alpha_channel)
    return None if found in colours else found


def _samples(path: Path, source: oiio.ImageInput, part: _Part) -> tuple[_Pixels, int]:
    """Return the part's channels as integers and how many bits they have, or as floats and 32."""
    kind = str(part.spec.format)
    native = kind if kind in ("uint8", "uint16") else "float"
    first, stop = min(part.channels), max(part.channels) + 1
    pixels = source.read_image(part.number, 0, first, stop, native)
    if pixels is None:
        raise _damaged(path, source.geterror())
    samples: Any = np.asarray(pixels)[..., [place - first for place in part.channels]]
    if native == "float":
        return samples, 32
    size = 8 * samples.dtype.itemsize
    bits = int(part.spec.get_int_attribute("oiio:BitsPerSample", size))
    if bits not in (10, 12, 14):  # with fewer than 8, and with uncommon numbers, they are spread over all codes
        return samples, size
    # OpenImageIO spreads codes of fewer bits over all 16: this is what was stored.
    stored = np.rint(samples.astype(np.float64) * ((2**bits - 1) / (2**size - 1))).astype(np.uint16)
    return stored, bits


def _placed(samples: _Pixels, stored: PixelWindow, window: PixelWindow) -> _Pixels:
    """Return the pixels of a window; those that are not stored are 0."""
    canvas: Any = np.zeros((window.height, window.width, samples.shape[2]), samples.dtype)
    left, top = max(stored.x, window.x), max(stored.y, window.y)
    right = min(stored.x + stored.width, window.x + window.width)
    bottom = min(stored.y + stored.height, window.y + window.height)
    if left < right and top < bottom:
        inner = samples[top - stored.y : bottom - stored.y, left - stored.x : right - stored.x]
        canvas[top - window.y : bottom - window.y, left - window.x : right - window.x] = inner
    return canvas  # type: ignore[no-any-return]


def _as_frame(samples: _Pixels, bits: int, has_alpha: bool) -> VideoFrame:
    """A frame of FFmpeg's planar formats: its float ones, or those of integers with as many bits."""
    height, width, channels = samples.shape
    grey = channels - has_alpha == 1
    if bits == 14 and has_alpha:  # a format that FFmpeg does not have
        samples, bits = np.rint(samples.astype(np.float64) * (65535 / 16383)).astype(np.uint16), 16
    family = "gbrap" if has_alpha else "gray" if grey else "gbrp"
    depth = "" if bits == 8 else "f32le" if bits == 32 else f"{bits}le"
    frame = VideoFrame(width, height, f"{family}{depth}")
    colours = (0, 0, 0) if grey else (1, 2, 0)
    order = (0,) if family == "gray" else (*colours, channels - 1) if has_alpha else colours
    dtype = np.dtype("u1" if bits == 8 else "<f4" if bits == 32 else "<u2")
    for plane, place in zip(frame.planes, order, strict=True):
        row = plane.line_size // dtype.itemsize
        view = np.frombuffer(memoryview(plane), dtype)[: row * plane.height].reshape(plane.height, row)
        view[:, :width] = samples[..., place]
    return frame


def _header(part: _Part, codec: str) -> StillHeader:
    spec = part.spec
    rate = _rate(spec)
    data = PixelWindow(spec.x, spec.y, spec.width, spec.height)
    display = PixelWindow(spec.full_x, spec.full_y, spec.full_width, spec.full_height)
    windowed = codec == "exr" and (data, display) != (PixelWindow(0, 0, *data[2:]),) * 2
    aspect = Fraction(spec.get_float_attribute("PixelAspectRatio", 1.0)).limit_denominator(255)
    word = spec.getattribute("smpte:TimeCode")
    left_out = ", ".join(part.left_out)
    profile, space = spec.getattribute("ICCProfile"), spec.get_string_attribute("tiff:ColorSpace")
    return StillHeader(
        codec=codec,
        colour=_colour(spec, codec),
        sample_aspect=aspect if aspect > 0 else Fraction(1),
        rate=rate,
        timecode=label_of_word(int(word[0]), rate) if isinstance(word, tuple) else "",
        orientation=_orientation(spec),
        premultiplied=part.has_alpha and _is_premultiplied(spec, codec),
        data_window=data if windowed else None,
        display_window=display if windowed else None,
        reel=str(spec.get_string_attribute("reelName")),
        notices=(
            *((f"Of the source, these are left out: {left_out}.",) if left_out else ()),
            *((f"The source is {space}: it is converted to R'G'B' without a profile.",) if space in _CONVERTED else ()),
            *profile_notices(b"" if profile is None else np.asarray(profile, np.uint8).tobytes()),
        ),
    )


def _orientation(spec: oiio.ImageSpec) -> int:
    given = int(spec.get_int_attribute("Orientation", UPRIGHT))
    return given if 1 <= given <= 8 else UPRIGHT


def _is_premultiplied(spec: oiio.ImageSpec, codec: str) -> bool:
    """EXR always is. A TIFF says it; in other formats, colour is what it would be without alpha."""
    return codec == "exr" or (codec == "tiff" and not spec.get_int_attribute("oiio:UnassociatedAlpha", 0))


def _rate(spec: oiio.ImageSpec) -> Fraction | None:
    exact = spec.getattribute("FramesPerSecond")
    if isinstance(exact, tuple) and len(exact) == 2 and exact[1]:
        return plausible_rate(exact[0] / exact[1])
    rounded = spec.getattribute("cineon:FrameRate")
    return plausible_rate(rounded) if isinstance(rounded, float) else None


def _colour(spec: oiio.ImageSpec, codec: str) -> ColourTags:
    if codec == "cineon":
        return ColourTags(transfer=CINEON)
    if codec != "exr":
        return UNTAGGED
    space = spec.get_string_attribute("colorInteropID")
    given = spec.getattribute("chromaticities")
    primaries = UNKNOWN
    if isinstance(given, tuple) and len(given) == 8:
        primaries = next(
            (name for name, them in CHROMATICITIES.items() if np.allclose(given, them, atol=2e-3)), UNKNOWN
        )
    # EXR is scene-linear by its definition, unless it names another space, as the EXR written here of other clips does.
    return ColourTags(primaries, "linear" if not space or space.startswith("lin_") else UNKNOWN)
