"""What a colourist wants to know of media, as text; and what may surprise in the result.

A property of `ClipInfo` that is not named here is shown by its own name once it differs from its default, so that new
ones are never hidden; a line in `_facts_of_clip` gives it a better text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields
from fractions import Fraction

import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer

from answerprint.errors import AnswerprintError
from answerprint.frames.clip import ClipInfo, FieldOrder, is_rgb, start_timecode_at
from answerprint.frames.clip_metadata import ClipMetadata, HdrMetadata
from answerprint.frames.colour import UNKNOWN, resolve_colour
from answerprint.frames.frame import FrameRange
from answerprint.frames.pixel_format import planar_yuv
from answerprint.media.boundary import best_video, open_container, reading
from answerprint.media.reader import open_reader
from answerprint.store.quota import size_text
from answerprint.text import counted

__all__ = ["Inspection", "inspect_media"]

_SHOWN_OTHERWISE = frozenset(
    {
        "path", "kind", "width", "height", "rate", "frames", "sample_aspect", "colour", "bit_depth", "pixel_format",
        "codec", "start_timecode", "has_audio", "has_alpha", "start_number", "files", "first_pts", "time_base",
        "rate_is_assumed", "file_rate", "field_order", "fields_found", "mostly", "telecined", "cadence", "stored",
        "notices", "levels", "grid", "profile", "damaged", "metadata", "orientation", "premultiplied",
        "header_timecode",
    }
)  # fmt: skip
"""Properties of a clip that `_facts_of_clip` words, or that say how a file is read."""

_TURNS = ("", "mirrored", "by 180 degrees", "upside down", "by 90 degrees and mirrored", "by 90 degrees clockwise",
          "by 270 degrees and mirrored", "by 270 degrees clockwise")  # fmt: skip
"""How pictures of the orientations 1 to 8 of EXIF are turned to be shown."""
_HDR = {"smpte2084": "PQ", "arib-std-b67": "HLG"}
_NOTABLE_SHARE = 0.005
"""Share of pixels outside the nominal range from which the range is doubted: more than ringing at edges."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """facts: name and text, in the order to show them. warnings: sentences."""

    facts: dict[str, str]
    warnings: tuple[str, ...]


def inspect_media(info: ClipInfo) -> Inspection:
    """Describe a probed clip. Raises MediaError if it can no longer be read."""
    facts: dict[str, str] = {}
    if info.kind == "file":
        with open_container(info.path) as container, reading(info.path):
            facts |= _facts_of_clip(info, container)
            facts |= _facts_of_sound(container)
    else:
        facts |= _facts_of_clip(info, None)
    facts |= _facts_of_metadata(info.metadata)
    return Inspection(facts, tuple(_warnings(info)))


def _facts_of_clip(info: ClipInfo, container: InputContainer | None) -> dict[str, str]:
    width, height, rate = info.width, info.height, info.rate
    facts = {
        "container": _container(info, container),
        "codec": _codec(info, container),
        "picture": _samples(info),
        "size": f"{width}x{height}",
        "aspect": _aspect(info.sample_aspect, width, height),
        "rate": _rate(rate) + (", assumed" if info.rate_is_assumed else ""),
        "frames": str(info.frames),
        "duration": f"{float(info.frames / rate):.3f} s",
        "timecode": _timecode(info),
        "fields": _fields(info),
        "colour": _colour(info),
        "levels": _levels(info),
        "alpha": ("premultiplied" if info.premultiplied else "yes") if info.has_alpha else "none",
    }
    if info.orientation != 1:
        facts["turned"] = _TURNS[info.orientation - 1]
    for each in fields(ClipInfo):
        value = getattr(info, each.name)
        default = each.default_factory() if each.default_factory is not MISSING else each.default
        if each.name not in _SHOWN_OTHERWISE and value != default:
            facts[each.name.replace("_", " ")] = str(value)
    return facts


def _fields(info: ClipInfo) -> str:
    """What its frames consist of; how that was found is a warning."""
    order = {FieldOrder.TOP_FIRST: ", top field first", FieldOrder.BOTTOM_FIRST: ", bottom field first"}
    first = order.get(info.field_order, "")
    if not info.interlaced:
        return "progressive"
    if info.field_order is FieldOrder.MIXED:
        return "some frames are interlaced"
    return f"film with 3:2 pulldown{first}" if info.telecined else f"interlaced{first}"


def _samples(info: ClipInfo) -> str:
    name, bits = info.pixel_format, f"{info.bit_depth} bit"
    if info.bit_depth == 32:
        bits = f"{16 if 'f16' in name else 32} bit float"
    if sampling := re.search(r"4\d\d|410", planar_yuv(name)):
        kind = f"Y'CbCr {':'.join(sampling[0])}"
    else:
        kind = "R'G'B'" if is_rgb(name) else "grey" if name.startswith(("gray", "ya", "mono")) else ""
    return ", ".join(filter(None, (kind, bits))) + f" ({name})"


def _container(info: ClipInfo, container: InputContainer | None) -> str:
    if container is None:
        size = size_text(sum(file.stat().st_size for file in info.files))
        if len(info.files) == 1:
            return f"single picture, {size}"
        return f"image sequence, numbered {info.start_number} to {info.start_number + info.frames - 1}, {size}"
    name = container.format.long_name
    if "mp4" in container.format.name.split(","):  # one reader for both
        name = "MP4" if container.metadata.get("major_brand", "qt").strip() != "qt" else "QuickTime"
    return f"{name}, {size_text(info.path.stat().st_size)}"


def _codec(info: ClipInfo, container: InputContainer | None) -> str:
    context = None if container is None else best_video(container, info.path).codec_context
    if context is None:
        return ", ".join(filter(None, (info.codec, info.profile)))
    about = [info.codec, context.codec.long_name if context.codec.long_name != info.codec else "", context.profile]
    return ", ".join(str(each) for each in about if each)


def _aspect(pixel: Fraction, width: int, height: int) -> str:
    shape = pixel * width / height
    return f"pixels {pixel.numerator}:{pixel.denominator}, picture {float(shape):.3f}:1"


def _rate(rate: Fraction) -> str:
    return f"{rate} frames per second" + (f" ({float(rate):.3f})" if rate.denominator != 1 else "")


def _timecode(info: ClipInfo) -> str:
    last = start_timecode_at(info, info.frames - 1)
    return "none" if last is None else f"{info.start_timecode} to {last}"


def _colour(info: ClipInfo) -> str:
    tags = info.colour
    said = [
        f"{name} {value}"
        for name, value in (("primaries", tags.primaries), ("transfer", tags.transfer), ("matrix", tags.matrix))
        if value != UNKNOWN and not (name == "matrix" and is_rgb(info.pixel_format))
    ]
    if not said:
        return "not tagged" + (f", matrix {resolve_colour(tags, info.height).matrix} assumed" if _is_yuv(info) else "")
    if _is_yuv(info) and tags.matrix in (UNKNOWN, "gbr"):
        said.append(f"matrix {resolve_colour(tags, info.height).matrix} (assumed)")
    return ", ".join(said)


def _levels(info: ClipInfo) -> str:
    if not _is_yuv(info):
        return "full"
    words = {"tv": "video", "pc": "full"}[resolve_colour(info.colour, info.height).range]
    return words if info.colour.range != UNKNOWN else f"{words}, assumed"


def _is_yuv(info: ClipInfo) -> bool:
    return info.pixel_format.startswith(("yuv", "nv", "p0", "p2", "p4", "uyvy", "y2", "v2", "xv"))


def _facts_of_sound(container: InputContainer) -> dict[str, str]:
    tracks = [_track(stream) for stream in container.streams.audio]
    if not tracks:
        return {"sound": "none"}
    return {f"sound {number}": text for number, text in enumerate(tracks, 1)}


def _track(stream: AudioStream) -> str:
    context = stream.codec_context
    if context is None:
        return "unknown codec"
    channels = context.layout.name
    if channels[:1].isdigit() and channels.endswith("channels"):  # no layout is said
        channels = counted(context.channels, "channel")
    about = [context.name, f"{context.sample_rate} Hz", channels]
    if stream.duration and stream.time_base:
        about.append(f"{float(stream.duration * stream.time_base):.3f} s")
    if stream.language and stream.language != "und":
        about.append(stream.language)
    return ", ".join(about)


def _facts_of_metadata(metadata: ClipMetadata) -> dict[str, str]:
    """Reel, date, title, chapters and the metadata of HDR10, as far as there are any."""
    texts = dict(metadata.texts)
    facts = {
        "reel": metadata.reel,
        "date": texts.get("creation_time", texts.get("date", "")),
        "title": texts.get("title", ""),
        "chapters": ", ".join(each.title or "untitled" for each in metadata.chapters),
        "HDR10": "" if metadata.hdr is None else _hdr_words(metadata.hdr),
    }
    return {name: text for name, text in facts.items() if text}


def _hdr_words(hdr: HdrMetadata) -> str:
    said = []
    if hdr.luminance is not None:
        said.append(f"mastered at {float(hdr.luminance[0]):g} to {float(hdr.luminance[1]):g} cd/m2")
    if hdr.light_level is not None:
        said.append(f"at most {hdr.light_level[0]} cd/m2, {hdr.light_level[1]} in the mean of a frame")
    return "; ".join(said) or "primaries of the mastering display"


def _warnings(info: ClipInfo) -> Iterator[str]:
    yield from info.notices
    tags, hdr = info.colour, _HDR.get(info.colour.transfer)
    if _is_yuv(info) and tags.matrix in (UNKNOWN, "gbr"):
        matrix = resolve_colour(tags, info.height).matrix
        yield f"The colour matrix is not tagged: {matrix} is assumed, by the height, and the result is tagged so."
    if missing := [name for name in ("primaries", "transfer") if getattr(tags, name) == UNKNOWN]:
        yield f"The colour {' and '.join(missing)} are not tagged: those of the result are not either."
    if hdr and info.bit_depth < 10:
        yield f"The picture is {hdr}, in {info.bit_depth} bit: banding is in the source already."
    if info.start_timecode is None:
        yield "There is no timecode: the result has none, unless you give --timecode."
    if _is_yuv(info) and resolve_colour(tags, info.height).range == "tv" and _share_outside(info) > _NOTABLE_SHARE:
        yield "Many values lie outside video levels: the levels may be full, not video."


def _share_outside(info: ClipInfo) -> float:
    """The share of the middle frame's pixels that no camera records in video levels: darker than black by far."""
    middle = info.frames // 2
    try:
        with open_reader(info, FrameRange(middle, middle + 1)) as reader:
            picture = next(reader).picture
    except AnswerprintError:
        return 0.0
    luma = picture @ np.array((0.2126, 0.7152, 0.0722), np.float32)
    return float(np.mean(luma < -0.03))
