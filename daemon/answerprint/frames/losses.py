"""What a deliverable cannot hold of its source, so that no property goes without a word."""

from __future__ import annotations

from answerprint.frames.clip import ClipInfo
from answerprint.frames.codecs import CodecInfo
from answerprint.frames.colour import UNKNOWN
from answerprint.frames.pixel_format import planar_yuv

__all__ = ["losses"]

_PLAIN_PICTURES = frozenset({"png", "tiff", "exr"})
"""Codecs of sequences whose pictures are written without frame rate and timecode."""
_TAGGED_PICTURES = frozenset({"png"})
"""Those that say their primaries and transfer."""


def losses(info: ClipInfo, codec: CodecInfo) -> tuple[str, ...]:
    """Return a sentence for each kind of property of the clip that files of this codec cannot hold."""
    said = []
    bits = info.bit_depth
    if bits > codec.bits and planar_yuv(info.pixel_format) not in codec.source_formats:
        kind = "32-bit float" if bits == 32 else f"{bits} bits"
        said.append(f"The source has {kind}, and {codec.name} has {codec.bits} bits: the result is rounded to them.")
    if info.has_alpha and not codec.alpha_format:
        said.append(f"The source has alpha, and {codec.name} has none: alpha is left out.")
    missing = _missing_in_pictures(info, codec) if codec.is_sequence else []
    if missing:
        words = missing[0] if len(missing) == 1 else f"{', '.join(missing[:-1])} and {missing[-1]}"
        said.append(f"A sequence of {codec.name} pictures does not hold the {words} of the source.")
    return tuple(said)


def _missing_in_pictures(info: ClipInfo, codec: CodecInfo) -> list[str]:
    """The properties of a film that pictures of this codec do not hold, in words."""
    tagged = (info.colour.primaries, info.colour.transfer) != (UNKNOWN, UNKNOWN)
    plain = codec.name in _PLAIN_PICTURES
    lacking = {
        "frame rate": plain and info.kind == "file",
        "timecode": plain and info.start_timecode is not None,
        "colour tags": tagged and codec.name not in _TAGGED_PICTURES,
        "sound": info.has_audio,
    }
    return [name for name, missing in lacking.items() if missing]
