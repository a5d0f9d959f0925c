"""What the headers of pictures say beyond the picture: rate, timecode, colour, windows, how alpha is meant.

DPX is read here (SMPTE ST 268): FFmpeg passes on none of it, and OpenImageIO also returns fields that lie beyond the
end of a short header.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from answerprint.frames.clip import PixelWindow
from answerprint.frames.colour import CINEON, UNKNOWN, UNTAGGED, ColourTags
from answerprint.frames.timecode import label_of_word, plausible_rate

__all__ = ["WITHOUT_HEADER", "StillHeader", "dpx_header", "is_plain_dpx", "profile_notices", "with_dpx_facts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StillHeader:
    """What a picture file says, nothing guessed.

    codec: FFmpeg's name, or OpenImageIO's for formats that only it reads. sample_aspect: width of a pixel over its
    height. rate: frames per second, None if not said. timecode: a label, "" if there is none; it need not exist at that
    rate. orientation: how the picture is stored, by the codes of EXIF (1 upright). premultiplied: its colour is
    multiplied by its alpha. half: its samples are floats of 16 bits. data_window: the pixels that are stored, None if
    they are the picture. display_window: the picture, in the same coordinates. reel: name of the tape or
    of the camera's card. notices: what of the file is not read, one sentence each.
    """

    codec: str
    colour: ColourTags = UNTAGGED
    sample_aspect: Fraction = Fraction(1)
    rate: Fraction | None = None
    timecode: str = ""
    orientation: int = 1
    premultiplied: bool = False
    half: bool = False
    data_window: PixelWindow | None = None
    display_window: PixelWindow | None = None
    reel: str = ""
    notices: tuple[str, ...] = ()


WITHOUT_HEADER = ("png", "mjpeg", "avif")
"""Codecs of pictures of which only FFmpeg reads what the header says, with the picture."""

_IMAGE_HEADER_END, _FILM_HEADER_END, _TELEVISION_HEADER_END = 1664, 1920, 2048
_UNDEFINED = 0xFFFFFFFF
_DPX_TRANSFERS = {
    1: CINEON,  # printing density
    2: "linear",
    3: CINEON,
    5: "bt709",
    6: "bt709",
    7: "smpte170m",
    8: "smpte170m",
}
_PLAIN_ELEMENTS = (1, 2, 3, 4, 6, 50, 51, 52)
_DPX_PRIMARIES = {5: "bt709", 6: "bt709", 7: "bt470bg", 8: "smpte170m"}
_DPX_ORIENTATIONS = (1, 4, 2, 3, 5, 6, 8, 7)  # EXIF's codes, by those of the header: line and then frame direction


def dpx_header(data: bytes) -> StillHeader:
    """Read the header of a DPX picture. data: at least its first 2048 bytes, if it has that many."""
    order: Literal["<", ">"] = ">" if data.startswith(b"SDPX") else "<"

    def field(kind: str, place: int, end: int) -> float:
        """A number of the header; NaN if it lies beyond the header that the file has, or is left undefined."""
        if len(data) < end or _begins(data, order) < end:
            return math.nan
        (word,) = struct.unpack_from(order + "I", data, place)
        return math.nan if word == _UNDEFINED else float(struct.unpack_from(order + kind, data, place)[0])

    timecode, transfer, primaries, orientation = field("I", 1920, _TELEVISION_HEADER_END), 0, 0, 0
    if len(data) >= _IMAGE_HEADER_END:
        transfer, primaries = data[801], data[802]
        if data[160:164] == b"Lavc":  # FFmpeg calls all that it writes linear
            transfer = primaries = 0
        (orientation,) = struct.unpack_from(order + "H", data, 768)
    horizontal, vertical = (field("I", place, _IMAGE_HEADER_END) for place in (1628, 1632))
    rates = (field("f", place, end) for place, end in ((1940, _TELEVISION_HEADER_END), (1724, _FILM_HEADER_END)))
    rate = next((found for each in rates if (found := plausible_rate(each)) is not None), None)
    return StillHeader(
        codec="dpx",
        colour=ColourTags(_DPX_PRIMARIES.get(primaries, UNKNOWN), _DPX_TRANSFERS.get(transfer, UNKNOWN)),
        sample_aspect=Fraction(int(horizontal), int(vertical)) if horizontal > 0 and vertical > 0 else Fraction(1),
        rate=rate,
        timecode="" if math.isnan(timecode) else label_of_word(int(timecode), rate),
        orientation=_DPX_ORIENTATIONS[orientation] if orientation < len(_DPX_ORIENTATIONS) else 1,
    )


def is_plain_dpx(data: bytes) -> bool:
    """Whether a picture is R'G'B' or grey without compression."""
    order = ">" if data.startswith(b"SDPX") else "<"
    (encoding,) = struct.unpack_from(order + "H", data, 806)
    return data[800] in _PLAIN_ELEMENTS and encoding != 1


def _begins(data: bytes, order: str) -> int:
    """Where the picture begins, which is where the header ends."""
    return int(struct.unpack_from(order + "I", data, 4)[0])


def profile_notices(profile: bytes) -> tuple[str, ...]:
    """What is said of a colour profile (ICC): nothing if there is none, or if it is that of sRGB."""
    if not profile or any("sRGB".encode(coding) in profile for coding in ("ascii", "utf-16-be")):
        return ()
    return ("The source has a colour profile (ICC), which is not applied. Only a TIFF made of TIFF keeps it.",)


_COLOUR = slice(801, 803)
_ASPECT = 1628


def with_dpx_facts(data: bytes, colour: ColourTags, sample_aspect: Fraction, source: bytes) -> bytes:
    """Return a big-endian DPX file with the facts that OpenImageIO rounds or leaves out: colour and aspect.

    source: the first bytes of the picture that it was made from; a DPX keeps its own codes of colour.
    """
    if source[:4] in (b"SDPX", b"XPDS") and len(source) >= _IMAGE_HEADER_END and source[160:164] != b"Lavc":
        codes = source[_COLOUR]
    else:
        codes = bytes((_code(_DPX_TRANSFERS, colour.transfer), _code(_DPX_PRIMARIES, colour.primaries)))
    aspect = struct.pack(">II", sample_aspect.numerator, sample_aspect.denominator)
    return data[: _COLOUR.start] + codes + data[_COLOUR.stop : _ASPECT] + aspect + data[_ASPECT + len(aspect) :]


def _code(names: Mapping[int, str], name: str) -> int:
    """The last code of that name, 0 (user-defined) for a name that has none."""
    return max((code for code, known in names.items() if known == name), default=0)
