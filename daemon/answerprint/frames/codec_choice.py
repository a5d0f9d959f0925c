"""The choice of a codec: by the name of the output, as deep as the source needs, or of the source's own kind."""

from __future__ import annotations

from pathlib import Path

from answerprint.errors import InputError
from answerprint.frames.clip import ClipInfo
from answerprint.frames.codecs import CODECS, CodecInfo, codec_named
from answerprint.frames.pixel_format import planar_yuv
from answerprint.frames.sequence import SequencePattern

__all__ = [
    "HDR_TRANSFERS",
    "LIKE_SOURCE",
    "check_codec",
    "codec_by_kind",
    "codec_for_source",
    "codec_without_source",
    "default_codec",
    "kin_of",
]

LIKE_SOURCE = "like-source"
"""In place of a codec's name: the nearest one of the source's own kind."""

HDR_TRANSFERS = {"smpte2084": "PQ", "arib-std-b67": "HLG"}
"""Transfer functions that eight bits are too few for, and what users call them."""


def _codec_for(suffix: str) -> str | None:
    return next((codec.name for codec in CODECS.values() if suffix.lower() in codec.suffixes), None)


def default_codec(path: Path | str) -> str:
    """Return the codec that the name of the output asks for. Raises InputError if it asks for none."""
    name = _codec_for(Path(path).suffix)
    if name is None:
        known = ", ".join(dict.fromkeys(suffix for codec in CODECS.values() for suffix in codec.suffixes))
        raise InputError(f"No codec is known for an output named {Path(path).name!r}.", f"Use one of {known}.")
    return name


def check_codec(path: Path | str, codec: str) -> CodecInfo:
    """Return the codec by name. Raises InputError if it is unknown or cannot be written under that name."""
    path, info = Path(path), codec_named(codec)
    if path.suffix.lower() not in info.suffixes:
        fitting = _codec_for(path.suffix)
        other = f", or choose --codec {fitting}" if fitting else ""
        raise InputError(
            f"{info.name} cannot be written to {path.name!r}.",
            f"Name the output *{' or *'.join(info.suffixes)}{other}.",
        )
    if info.is_sequence and SequencePattern.parse(path) is None:
        raise InputError(
            f"{path.name!r} has no place for a frame number.", f"Name the output such as {path.stem}.%04d{path.suffix}."
        )
    if not info.is_sequence and "%" in path.name and SequencePattern.parse(path) is not None:
        raise InputError(f"{info.name} writes one file, not a sequence.", "Leave the frame number out of the name.")
    return info


def codec_without_source(path: Path, name: str | None) -> CodecInfo:
    """Return the codec as far as it is known before the source is opened. Raises InputError if none fits the name."""
    return check_codec(path, default_codec(path) if name in (None, "", LIKE_SOURCE) else name or "")


def codec_for_source(path: Path, name: str | None, info: ClipInfo) -> tuple[str, str]:
    """Return the codec's name, and a sentence about the choice, "" if there was none.

    name: as asked for; None or "" for the default of the output's name. Raises InputError.
    """
    if name == LIKE_SOURCE:
        return _like(path, info)
    if name:
        return name, ""
    usual = codec_named(default_codec(path))
    hdr = HDR_TRANSFERS.get(info.colour.transfer, "")
    if usual.bits > 8 or usual.is_sequence or (info.bit_depth <= 8 and not hdr):
        return usual.name, ""
    deep = next((codec for codec in _under(path) if codec.bits > 8), usual)
    what = " ".join(filter(None, (f"{info.bit_depth}-bit" if info.bit_depth < 32 else "float", hdr)))
    return deep.name, (
        f"The source is {what}: the result is {deep.name} with {deep.bits} bits, not {usual.name}, which has 8."
        if deep is not usual
        else ""
    )


def kin_of(coding: str) -> list[CodecInfo]:
    """The codecs of a kind, which FFmpeg's name of what a source holds tells; none if it cannot be written."""
    return [codec for codec in CODECS.values() if _coding(codec) == coding]


def codec_by_kind(name: str, coding: str, suffix: str) -> tuple[CodecInfo, str]:
    """Return a codec and the suffix of a file whose name the program makes up.

    name: as asked for; for LIKE_SOURCE the codec is one of the source's kind, and the nearest is chosen once the source
    is opened. coding: FFmpeg's name of what the source holds. suffix: of the source, kept if that kind can have it.
    Raises InputError for a name that is none.
    """
    kin = kin_of(coding) if name == LIKE_SOURCE else []
    codec = next((each for each in kin if suffix.lower() in each.suffixes), None)
    if codec is not None:
        return codec, suffix.lower()
    codec = kin[0] if kin else codec_named("" if name == LIKE_SOURCE else name)
    return codec, codec.suffixes[0]


def _under(path: Path) -> list[CodecInfo]:
    return [codec for codec in CODECS.values() if path.suffix.lower() in codec.suffixes]


def _coding(codec: CodecInfo) -> str:
    return codec.coding or codec.encoder


def _like(path: Path, info: ClipInfo) -> tuple[str, str]:
    """The nearest codec of the source's kind that can be written under that name."""
    source = " ".join(filter(None, (info.codec, info.profile)))
    kin = kin_of(info.codec)
    if not kin:
        name, _ = codec_for_source(path, None, info)
        return name, f"The source is {source}, which cannot be written: the result is {name}."
    fitting = [codec for codec in kin if codec in _under(path)]
    if not fitting:
        suffixes = dict.fromkeys(suffix for codec in kin for suffix in codec.suffixes)
        raise InputError(
            f"The source is {source}, which cannot be written to {path.name!r}.",
            f"Name the output *{' or *'.join(suffixes)}, or leave --like-source out.",
        )
    nearest = min(fitting, key=lambda codec: _distance(codec, info))
    same = not nearest.profile or nearest.profile == info.profile
    return nearest.name, f"The source is {source}: the result is {nearest.name}{'' if same else ', the nearest to it'}."


def _distance(codec: CodecInfo, info: ClipInfo) -> tuple[bool, bool, bool, bool, int]:
    """Less is nearer: the same profile, alpha that is kept, the same kind of colour, enough bits, and not many more."""
    yuv = bool(planar_yuv(info.pixel_format))
    is_float = info.bit_depth == 32
    bits = 16 if info.profile == "half" else info.bit_depth
    same_colour = codec.is_yuv == yuv or planar_yuv(info.pixel_format) in codec.source_formats
    return (
        codec.profile != info.profile,
        info.has_alpha and not codec.alpha_format,
        not same_colour or codec.is_float != is_float,
        codec.bits < bits,
        abs(codec.bits - bits),
    )
