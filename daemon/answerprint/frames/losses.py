"""What a deliverable cannot hold of its source, so that no property goes without a word."""

from __future__ import annotations

from answerprint.frames.clip import ClipInfo
from answerprint.frames.codec_choice import HDR_TRANSFERS
from answerprint.frames.codecs import CodecInfo
from answerprint.frames.colour import UNKNOWN

__all__ = ["losses"]

_FLOAT_PRECISION = {16: 11, 32: 24}  # significant bits of floats, by their size


def losses(info: ClipInfo, codec: CodecInfo, suffix: str = "") -> tuple[str, ...]:
    """Return a sentence for each kind of property of the clip that files of this codec cannot hold.

    suffix: of the file, which decides the container. What becomes of sound is said by whoever tries to write it.
    """
    said = []
    rounded = _rounded(info, codec)
    if rounded and not codec.follows(info.pixel_format):
        said.append(rounded)
    hdr = HDR_TRANSFERS.get(info.colour.transfer)
    if hdr and codec.bits <= 8 and not codec.is_sequence:
        said.append(
            f"The source is {hdr}, for which the 8 bits of {codec.name} are too few: expect bands in gradients."
        )
    if info.has_alpha and not codec.alpha_format:
        said.append(f"The source has alpha, and {codec.name} has none: alpha is left out.")
    without = [name for name, there in _places_of_movies(info).items() if there]
    if without and (codec.is_sequence or suffix.lower() == ".mxf"):
        file = "A sequence" if codec.is_sequence else "An .mxf file"
        said.append(f"{file} does not hold the {' and '.join(without)} of the source.")
    missing = _missing_in_pictures(info, codec) if codec.is_sequence else []
    if missing:
        words = missing[0] if len(missing) == 1 else f"{', '.join(missing[:-1])} and {missing[-1]}"
        said.append(f"A sequence of {codec.name} pictures does not hold the {words} of the source.")
    return tuple(said)


def _rounded(info: ClipInfo, codec: CodecInfo) -> str:
    """What is said of samples that do not fit, "" if all do."""
    is_float = info.bit_depth == 32
    bits = 16 if "f16" in info.pixel_format else info.bit_depth
    precision = _FLOAT_PRECISION[bits] if is_float else bits
    clipped = is_float and not codec.is_float
    if not clipped and precision <= (_FLOAT_PRECISION[codec.bits] if codec.is_float else codec.bits):
        return ""
    have, has = _kind(bits, is_float), _kind(codec.bits, codec.is_float)
    more = ", and clipped to the values that they reach" if clipped else ""
    return f"The source has {have}, and {codec.name} has {has}: the result is rounded to them{more}."


def _kind(bits: int, is_float: bool) -> str:
    return f"{bits}-bit floats" if is_float else f"{bits} bits"


def _places_of_movies(info: ClipInfo) -> dict[str, bool]:
    """What only some movies have a place for, in words, and whether the clip has it."""
    return {"chapters": bool(info.metadata.chapters), "HDR metadata": info.metadata.hdr is not None}


def _missing_in_pictures(info: ClipInfo, codec: CodecInfo) -> list[str]:
    """The properties of a film that pictures of this codec do not hold, in words."""
    tags = (info.colour.primaries, info.colour.transfer)
    lacking = {
        "frame rate": not codec.says_time and info.kind == "file",
        "timecode": not codec.says_time and info.start_timecode is not None,
        "colour tags": tags != (UNKNOWN, UNKNOWN) and codec.colours is not None and tags not in codec.colours,
    }
    return [name for name, missing in lacking.items() if missing]
