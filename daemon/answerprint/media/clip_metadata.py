"""Reads texts, chapters, reel name and HDR metadata of a movie, and gives an output what it can hold of them."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from fractions import Fraction

from av.container import InputContainer, OutputContainer, core
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from answerprint.frames.clip_metadata import Chapter, ClipMetadata, HdrMetadata
from answerprint.media.provenance import MXF_COMMENT
from answerprint.media.side_data import Type, side_data

__all__ = ["add_metadata", "hdr_metadata", "read_metadata"]

# What FFmpeg writes by itself, what is kept in places of its own, and what a program wrote about its own work: the
# deliverable is another file, of another program.
_NOT_KEPT = re.compile(
    r"encoder|encoded_by|encoding_tool|handler_name|major_brand|minor_version|compatible_brands|duration|timecode"
    r"|reel_name|itunsmpb|answerprint_.*"
    r"|.*(uid|umid|_ul)|company_name|product_(name|version.*)|toolkit_version.*|application_platform|modification_date"
    r"|material_package_name|_statistics_.*|number_of_.*|bps.*"
)
_LONGEST_TEXT = 1 << 16
_MICRO = 1_000_000

# FFmpeg's AVMasteringDisplayMetadata: 10 rationals (x and y of R, G, B and white, least and most luminance), 2 flags.
_DISPLAY = struct.Struct("=20i2i")
_LIGHT_LEVEL = struct.Struct("=2I")

# QuickTime has numbers for languages, and FFmpeg knows them by these codes of ISO 639-2 only.
_QUICKTIME_LANGUAGES = {
    "deu": "ger",
    "nld": "dut",
    "swe": "sve",
    "ell": "gre",
    "isl": "ice",
    "zho": "chi",
    "sqi": "alb",
}


def read_metadata(
    container: InputContainer, stream: VideoStream, frame: VideoFrame, first_pts: int | None
) -> ClipMetadata:
    """Return what the file says. frame: its first one. first_pts: its time, in the stream's time base."""
    named = _lower(container.metadata)
    texts = {
        key: value
        for key, value in named.items()
        if not _NOT_KEPT.fullmatch(key) and value.strip() and len(value) <= _LONGEST_TEXT
    }
    if "creation_time" not in texts and "modification_date" in named:  # MXF's name for it
        texts["creation_time"] = named["modification_date"]
    tables = [_lower(each.metadata) for each in (*container.streams.data, stream)] + [named]
    track = _lower(stream.metadata)
    language = track.get("language", "")
    return ClipMetadata(
        texts=tuple(texts.items()),
        reel=next((table["reel_name"] for table in tables if table.get("reel_name")), ""),
        track_title=track.get("title", "").strip(),
        language="" if language == "und" else language,
        chapters=_chapters(container, (first_pts or 0) * (stream.time_base or Fraction(1))),
        hdr=hdr_metadata(frame),
    )


def _lower(texts: Mapping[str, str]) -> dict[str, str]:
    """Lower-case keys, because Matroska has capitals; without what FFmpeg puts before comments of MXF."""
    return {key.lower().removeprefix(MXF_COMMENT): value for key, value in texts.items()}


def _chapters(container: InputContainer, origin: Fraction) -> tuple[Chapter, ...]:
    found = []
    for entry in container.chapters():
        unit = entry["time_base"] or Fraction(1)
        start, stop = (max(Fraction(0), at * unit - origin) for at in (entry["start"], entry["end"]))
        if stop > start:
            found.append(Chapter(start, stop, dict(entry["metadata"]).get("title", "")))
    return tuple(sorted(found, key=lambda chapter: chapter.start))


def hdr_metadata(frame: VideoFrame) -> HdrMetadata | None:
    """Return the static metadata of HDR10 that a frame has, None if it has none."""
    display = side_data(frame, Type.MASTERING_DISPLAY_METADATA)
    light = side_data(frame, Type.CONTENT_LIGHT_LEVEL)
    chromaticities: tuple[tuple[Fraction, Fraction], ...] = ()
    luminance = None
    if len(display) >= _DISPLAY.size:
        *numbers, has_primaries, has_luminance = _DISPLAY.unpack_from(display)
        values = [Fraction(top, bottom or 1) for top, bottom in zip(numbers[0::2], numbers[1::2], strict=True)]
        if has_primaries:
            chromaticities = tuple(zip(values[0:8:2], values[1:8:2], strict=True))
        if has_luminance:
            luminance = (values[8], values[9])
    level = _LIGHT_LEVEL.unpack_from(light) if len(light) >= _LIGHT_LEVEL.size else (0, 0)
    found = HdrMetadata(chromaticities, luminance, (level[0], level[1]) if any(level) else None)
    return found if found.has_display or found.light_level else None


def add_metadata(
    container: OutputContainer, stream: VideoStream, metadata: ClipMetadata, texts: Mapping[str, str]
) -> None:
    """Give texts, reel name, language and chapters to a container whose header is not written yet.

    texts: of this program; they replace those of the clip.
    """
    muxer = container.format.name
    kept = dict(metadata.texts) | dict(texts)
    if muxer == "mxf":  # has no chapters, and one field each for the date and the reel
        date = kept.pop("creation_time", "")
        container.metadata.update({f"{MXF_COMMENT}{key}": value for key, value in kept.items()})
        container.metadata.update({"creation_time": date} if date else {})
    else:
        container.metadata.update(kept)
        container.set_chapters([_entry(number, each) for number, each in enumerate(metadata.chapters, 1)])
    if metadata.reel:
        if muxer != "mov" or "timecode" not in stream.metadata:
            container.metadata["reel_name"] = metadata.reel
        stream.metadata["reel_name"] = metadata.reel  # goes into the timecode track
    if metadata.language:
        language = metadata.language
        stream.metadata["language"] = _QUICKTIME_LANGUAGES.get(language, language) if muxer == "mov" else language


def _entry(number: int, chapter: Chapter) -> core.Chapter:
    return {
        "id": number,
        "start": round(chapter.start * _MICRO),
        "end": round(chapter.stop * _MICRO),
        "time_base": Fraction(1, _MICRO),
        "metadata": {"title": chapter.title} if chapter.title else {},
    }
