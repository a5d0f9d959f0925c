"""The combinations of the media matrix."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from answerprint.frames.codecs import CODECS
from media.matrix_sources import Source

__all__ = ["CASES", "FEW", "Case"]


@dataclass(frozen=True, slots=True)
class Case:
    """A source and its deliverable. output: suffix of a file, or end of a pattern. settings: further ones."""

    name: str
    source: Source
    output: str = ".mov"
    codec: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)


_PRORES = Source(".mov", "prores_ks", "yuv422p10le", timecode="01:00:00:00", sound=("pcm_s24le",))
_H264 = Source(".mp4", "libx264", "yuv420p", options={"qp": "4"})
_LOSSLESS = Source(".mkv", "ffv1", "yuv422p10le", timecode="10:00:00:00", sound=("pcm_s16le",))
_LARGE = (256, 128)
_QUIET = {"x265-params": "log-level=none"}

_FORMATS: tuple[Source, ...] = (
    Source(".mov", "prores_ks", "yuv444p10le"),
    Source(".mov", "prores_ks", "yuva444p10le"),
    Source(".mov", "libx264", "yuv420p"),
    Source(".mov", "libx264", "yuv422p10le"),
    Source(".mov", "libx265", "yuv420p10le", size=(64, 64), options=_QUIET),
    Source(".mov", "dnxhd", "yuv422p10le", size=_LARGE, options={"profile": "dnxhr_hqx"}),
    Source(".mxf", "dnxhd", "yuv422p10le", size=_LARGE, options={"profile": "dnxhr_hqx"}, timecode="01:00:00:00"),
    Source(".mxf", "mpeg2video", "yuv422p", timecode="01:00:00:00"),
    Source(".mov", "v210", "yuv422p10le"),
    Source(".mov", "mjpeg", "yuvj422p", tags=(1, 1, 5, 2)),
    Source(".mov", "png", "rgb24"),
    Source(".mov", "png", "rgba"),
    Source(".mov", "png", "rgb48be"),
    Source(".mov", "qtrle", "argb"),
    Source(".mov", "rawvideo", "uyvy422"),
    Source(".mov", "cfhd", "yuv422p10le"),
    Source(".mp4", "libx264", "yuv420p"),
    Source(".mp4", "libx264", "yuv444p"),
    Source(".mp4", "libx265", "yuv420p10le", size=(64, 64), options=_QUIET),
    Source(".mp4", "mpeg4", "yuv420p"),
    Source(".mp4", "libsvtav1", "yuv420p10le", size=(64, 64)),
    Source(".mkv", "ffv1", "yuv420p"),
    Source(".mkv", "ffv1", "yuv422p10le"),
    Source(".mkv", "ffv1", "yuv444p12le"),
    Source(".mkv", "ffv1", "yuv444p16le"),
    Source(".mkv", "ffv1", "yuva444p10le"),
    Source(".mkv", "ffv1", "gbrp10le"),
    Source(".mkv", "ffv1", "gbrp12le"),
    Source(".mkv", "ffv1", "gbrp16le"),
    Source(".mkv", "ffv1", "gbrap16le"),
    Source(".mkv", "ffv1", "gray16le", tags=(1, 1, 1, 2)),
    Source(".mkv", "ffv1", "bgra"),
    Source(".mkv", "libvpx-vp9", "yuv420p"),
    Source(".webm", "libvpx-vp9", "yuv420p"),
    Source(".avi", "utvideo", "yuv422p"),
    Source(".avi", "ffv1", "yuv422p"),
    Source(".avi", "mjpeg", "yuvj420p", tags=(1, 1, 5, 2)),
    Source(".avi", "huffyuv", "yuv422p"),
    Source(".avi", "rawvideo", "yuv420p"),
    Source(".ts", "libx264", "yuv420p"),
    Source(".ts", "mpeg2video", "yuv420p", frames=12),
    Source(".mpg", "mpeg2video", "yuv420p"),
    Source(".%04d.png", "png", "rgb24"),
    Source(".%04d.png", "png", "rgb48be"),
    Source(".%04d.png", "png", "rgba64be"),
    Source(".%04d.tif", "tiff", "rgb24"),
    Source(".%04d.tif", "tiff", "rgb48le"),
    Source(".%04d.tif", "tiff", "rgba64le"),
    Source(".%04d.dpx", "dpx", "gbrp10be"),
    Source(".%04d.dpx", "dpx", "gbrp12be"),
    Source(".%04d.dpx", "dpx", "rgb48be"),
    Source(".%04d.exr", "exr", "gbrpf32le", options={"format": "half"}),
    Source(".%04d.exr", "exr", "gbrapf32le", options={"format": "float"}),
    Source(".%04d.jpg", "mjpeg", "yuvj444p", tags=(1, 1, 5, 2)),
)

_TAGS: Mapping[str, tuple[int, int, int, int]] = {
    "untagged": (2, 2, 2, 0),
    "601 NTSC": (6, 6, 6, 1),
    "601 PAL": (5, 6, 5, 1),
    "240M": (7, 7, 7, 1),
    "709 full": (1, 1, 1, 2),
    "2020": (9, 14, 9, 1),
    "PQ": (9, 16, 9, 1),
    "HLG": (9, 18, 9, 1),
    "PQ full": (9, 16, 9, 2),
    "P3 D65": (12, 1, 1, 1),
    "DCI P3": (11, 1, 1, 1),
    "sRGB": (1, 13, 1, 2),
    "linear": (1, 8, 1, 1),
    "gamma 2.2": (1, 4, 1, 1),
    "gamma 2.8": (1, 5, 1, 1),
    "film primaries": (8, 1, 1, 1),
    "matrix only": (2, 2, 1, 1),
}
_RATES = ("24000/1001", "24", "25", "30000/1001", "30", "48", "50", "60000/1001", "60", "12", "15", "100", "120")
_ASPECTS = ("16/15", "64/45", "8/9", "32/27", "4/3", "2", "59/54")
_SOUNDS: tuple[tuple[str, str, tuple[str, ...], str], ...] = (
    (".mov", "prores_ks", ("pcm_s16le",), "mono"),
    (".mov", "prores_ks", ("pcm_s24le",), "5.1"),
    (".mov", "prores_ks", ("pcm_s32le",), "stereo"),
    (".mov", "prores_ks", ("pcm_f32le",), "stereo"),
    (".mov", "prores_ks", ("pcm_s24le",) * 4, "mono"),
    (".mov", "prores_ks", ("pcm_s16be",), "stereo"),
    (".mov", "prores_ks", ("alac",), "stereo"),
    (".mov", "libx264", ("aac",), "stereo"),
    (".mp4", "libx264", ("aac", "aac"), "stereo"),
    (".mp4", "libx264", ("libmp3lame",), "stereo"),
    (".mp4", "libx264", ("ac3",), "5.1"),
    (".mkv", "ffv1", ("pcm_s16le", "flac"), "stereo"),
    (".mkv", "ffv1", ("libopus",), "stereo"),
    (".mkv", "ffv1", ("pcm_s24le",), "5.1"),
    (".avi", "mjpeg", ("pcm_s16le",), "stereo"),
    (".avi", "mjpeg", ("pcm_u8",), "mono"),
    (".ts", "libx264", ("mp2",), "stereo"),
    (".mxf", "mpeg2video", ("pcm_s24le",), "mono"),
)


def _describe(source: Source) -> str:
    return f"{source.encoder} {source.pixels} {source.suffix}"


def _pixels(encoder: str) -> str:
    wanted = {"prores_ks": "yuv422p10le", "ffv1": "yuv422p10le", "mjpeg": "yuvj422p", "mpeg2video": "yuv422p"}
    return wanted.get(encoder, "yuv420p")


def _all() -> Iterator[Case]:
    for source in _FORMATS:
        yield Case(f"{_describe(source)} to ProRes 4444", source)
    for source in _FORMATS:
        if "16" in source.pixels or "f32" in source.pixels or "12" in source.pixels or source.is_sequence:
            yield Case(f"{_describe(source)} to FFV1", source, ".mkv")
    for source in _FORMATS:
        if source.is_sequence and source.encoder in ("png", "tiff", "exr", "dpx"):
            suffix = ".%04d.exr" if source.encoder == "exr" else ".%04d.tif"
            yield Case(f"{_describe(source)} to {suffix[-3:]}", source, suffix)
    for name, tags in _TAGS.items():
        for output in (".mov", ".mkv", ".mp4"):
            source = replace(_LOSSLESS if output != ".mov" else _PRORES, tags=tags)
            yield Case(f"{name} to {output}", source, output)
    for rate in map(Fraction, _RATES):
        yield Case(f"{rate} fps to .mov", replace(_PRORES, rate=rate))
    for rate in map(Fraction, ("24000/1001", "25", "30000/1001", "60000/1001")):
        for output in (".mkv", ".mp4", ".%04d.exr"):
            yield Case(f"{rate} fps to {output}", replace(_PRORES, rate=rate), output)
    for label in ("00:59:59;28", "23:59:59;28", "23:59:59:23"):
        for output in (".mov", ".mkv"):
            yield Case(f"timecode {label} to {output}", replace(_PRORES, rate=Fraction(30000, 1001), timecode=label),
                       output)  # fmt: skip
    for aspect in map(Fraction, _ASPECTS):
        yield Case(f"pixels {aspect} to .mov", replace(_PRORES, aspect=aspect))
    for aspect in map(Fraction, ("16/15", "4/3")):
        for output in (".mkv", ".mp4", ".%04d.exr", ".%04d.tif"):
            yield Case(f"pixels {aspect} to {output}", replace(_PRORES, aspect=aspect), output)
    for fields in ("tff", "bff"):
        laced = Source(".mov", "mpeg2video", "yuv422p", fields=fields, frames=6)
        for output in (".mov", ".mkv", ".mp4"):
            yield Case(f"{fields} mpeg2 to {output}", laced, output)
        yield Case(f"{fields} mpeg2 .ts", replace(laced, suffix=".ts", pixels="yuv420p", frames=12))
    for suffix, encoder, sound, layout in _SOUNDS:
        source = Source(suffix, encoder, _pixels(encoder), sound=sound, layout=layout, frames=12)
        for output in (".mov", ".mkv", ".mp4"):
            yield Case(f"{suffix} {'+'.join(sound)} {layout} to {output}", source, output)
    for turned in (90, 180, 270):
        for suffix in (".mp4", ".mov"):
            yield Case(f"{suffix} turned by {turned}", replace(_H264, suffix=suffix, turned=turned))
    for codec in CODECS.values():
        for suffix in codec.suffixes:
            output = f".%04d{suffix}" if codec.is_sequence else suffix
            source = replace(_PRORES, size=_LARGE)
            yield Case(f"ProRes to {codec.name} {suffix}", source, output, codec.name)


CASES: tuple[Case, ...] = tuple(_all())

_FEW = (
    "prores_ks yuva444p10le .mov to ProRes 4444", "ffv1 gbrap16le .mkv to FFV1", "png rgb48be .%04d.png to tif",
    "HLG to .mkv", "601 PAL to .mov", "709 full to .mov", "30000/1001 fps to .mkv", "timecode 00:59:59;28 to .mov",
    "pixels 16/15 to .mov", "tff mpeg2 to .mov", ".mkv pcm_s16le+flac stereo to .mov", ".mp4 turned by 90",
)  # fmt: skip
FEW: tuple[Case, ...] = tuple(case for case in CASES if case.name in _FEW)
"""The cases of `make test`: one of each kind."""
