"""Encodes pictures of OpenEXR, DPX and TIFF with OpenImageIO: their samples, and a header that says what they are."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio

from answerprint.frames.clip import PixelWindow
from answerprint.frames.codecs import CodecInfo
from answerprint.frames.colour import INTEROP_SPACES
from answerprint.frames.frame import Picture, Plane
from answerprint.frames.output_spec import OutputSpec
from answerprint.frames.timecode import Timecode, word_of_label
from answerprint.media.headers import with_dpx_facts
from answerprint.media.openimageio import CHROMATICITIES, header_attributes

__all__ = ["encode_still"]

_LARGEST_HALF = 65504.0
_SOURCE_DESCRIPTION = "answerprint_source_description"


def encode_still(picture: Picture, alpha: Plane | None, spec: OutputSpec, codec: CodecInfo, number: int) -> bytes:
    """Return the file of a picture. picture: float32 [H, W, 3]; alpha: float32 [H, W], opaque for None.

    number: of the picture in the output, from 0. Integers clip to 0..1, floats keep every value; those of half
    precision are rounded, and limited to its largest one. Raises ValueError if the library cannot write it.
    """
    grey = spec.grey and codec.grey_format is not None
    with_alpha = spec.alpha and codec.alpha_format is not None and not grey
    planes = [picture[..., :1]] if grey else [picture]
    if with_alpha:
        planes.append((np.ones(picture.shape[:2], np.float32) if alpha is None else alpha)[..., None])
    values = np.concatenate(planes, axis=-1)
    samples, kind = _samples(values, codec)
    height, width, channels = samples.shape
    header = oiio.ImageSpec(width, height, channels, kind)
    if codec.encoder == "openexr":
        header.channelnames = ("Y",) if grey else tuple("RGBA"[:channels])
    source = header_attributes(spec.pictures[number], codec.encoder) if spec.pictures else {}
    for name, attribute in source.items():
        header.attribute(name, *attribute)
    if with_alpha and not spec.premultiplied and codec.association != "premultiplied":
        header.attribute("oiio:UnassociatedAlpha", 1)
    for name, text in codec.options.items():
        header.attribute(name, text)
    _describe(header, spec, codec, number, grey)
    data = _through_file(lambda path: _write(path, codec.encoder, header, samples))
    if codec.encoder != "dpx":
        return data
    return with_dpx_facts(data, spec.colour, spec.sample_aspect, _head(spec.pictures[number]) if spec.pictures else b"")


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(2048)


def _samples(values: Any, codec: CodecInfo) -> tuple[Any, str]:  # noqa: ANN401 - of three kinds of numbers
    """Return the samples to store, and OpenImageIO's name of their type."""
    if codec.is_float:
        if codec.bits == 32:
            return np.ascontiguousarray(values, np.float32), "float"
        return np.clip(values, -_LARGEST_HALF, _LARGEST_HALF).astype(np.float16, "C"), "half"
    bits = codec.bits
    codes = np.rint(np.clip(values, 0, 1) * np.float32(2**bits - 1)).astype(np.uint16, "C")
    # OpenImageIO takes the uppermost bits of 16; the lower ones repeat them, so that white is white for it.
    return (codes if bits == 16 else codes << (16 - bits) | codes >> (2 * bits - 16)), "uint16"


def _describe(header: oiio.ImageSpec, spec: OutputSpec, codec: CodecInfo, number: int, grey: bool) -> None:
    header.attribute("PixelAspectRatio", float(spec.sample_aspect))
    if codec.encoder != "openexr":  # which knows no other
        header.attribute("Orientation", 1)
    header.attribute("Software", "Answerprint")
    header.attribute("oiio:BitsPerSample", codec.bits)
    if not header.get_string_attribute("DateTime"):
        header.attribute("DateTime", _date(spec))
    label = _label(spec, number)
    if label:
        header.attribute("smpte:TimeCode", oiio.TypeDesc("timecode"), (word_of_label(label, spec.rate), 0))
    texts = dict(spec.provenance)
    if codec.encoder == "openexr":
        _describe_exr(header, spec, grey)
        for key, text in texts.items():
            header.attribute(key, text)
    elif codec.encoder == "tiff":
        description = header.get_string_attribute("ImageDescription")
        if texts and description:
            texts[_SOURCE_DESCRIPTION] = description
        if texts:
            header.attribute("ImageDescription", json.dumps(texts))
    elif codec.encoder == "dpx":
        _describe_dpx(header, spec.rate, texts)


def _describe_exr(header: oiio.ImageSpec, spec: OutputSpec, grey: bool) -> None:
    rate = (spec.rate.numerator, spec.rate.denominator)
    header.attribute("framesPerSecond", oiio.TypeDesc("rational"), rate)  # by its standard name, in lower case
    if spec.metadata.reel:
        header.attribute("reelName", spec.metadata.reel)
    data, display = spec.data_window, spec.display_window
    if data is not None:
        header.x, header.y = data.x, data.y
    window = display or data or PixelWindow(0, 0, spec.width, spec.height)
    header.full_x, header.full_y, header.full_width, header.full_height = window
    if grey:
        return
    colour = spec.colour
    if colour.primaries in CHROMATICITIES:
        header.attribute("chromaticities", oiio.TypeDesc("float[8]"), tuple(CHROMATICITIES[colour.primaries]))
    if colour.transfer != "linear":
        header.attribute("colorInteropID", INTEROP_SPACES.get((colour.primaries, colour.transfer), "unknown"))


def _describe_dpx(header: oiio.ImageSpec, rate: Fraction, texts: Mapping[str, str]) -> None:
    header.attribute("oiio:Endian", "big")
    header.attribute("dpx:FrameRate", float(rate))
    header.attribute("dpx:TemporalFrameRate", float(rate))
    if texts:
        data = json.dumps(dict(texts)).encode()
        header.attribute("dpx:UserData", oiio.TypeDesc(f"uint8[{len(data)}]"), np.frombuffer(data, np.uint8))


def _label(spec: OutputSpec, number: int) -> str:
    """The timecode of a picture, "" without one."""
    if spec.start_timecode is None:
        return ""
    return str(Timecode.parse(spec.start_timecode, spec.rate).shifted(number))


def _date(spec: OutputSpec) -> str:
    """When the source was last changed: not the time of writing, so that the same job gives the same bytes."""
    source = next(iter(spec.sources), None)
    try:
        seconds = source.stat().st_mtime if source is not None else 0.0
    except OSError:
        seconds = 0.0
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y:%m:%d %H:%M:%S")


def _write(path: str, encoder: str, header: oiio.ImageSpec, samples: Any) -> None:  # noqa: ANN401
    output = oiio.ImageOutput.create(encoder)
    if output is None:
        raise ValueError(oiio.geterror())
    done = output.open(path, header) and output.write_image(samples) and output.close()
    why = output.geterror()  # also of a picture that was written
    if not done:
        raise ValueError(" ".join(why.split()) or "no reason given")


def _through_file(write: Callable[[str], None]) -> bytes:
    """Return what a library writes that only writes files: in memory on Linux, in a temporary file elsewhere.

    The result is then written like all results, so that a full disk is noticed and reported as one.
    """
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("picture")
        try:
            write(f"/proc/self/fd/{descriptor}")
            with os.fdopen(os.dup(descriptor), "rb") as file:
                file.seek(0)
                return file.read()
        finally:
            os.close(descriptor)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture"
        write(str(path))
        return path.read_bytes()
