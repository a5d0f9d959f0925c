"""The codecs a deliverable can have, as data, and the choice of one by the name of the output.

It lies here, not in `media`, because the command line lists codecs and must not load PyAV.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType

from answerprint.errors import InputError
from answerprint.frames.clip import ClipInfo, start_timecode_at
from answerprint.frames.colour import UNTAGGED, ColourTags
from answerprint.frames.frame import FrameRange
from answerprint.frames.sequence import SequencePattern

__all__ = ["CODECS", "CodecInfo", "OutputSpec", "check_codec", "default_codec"]


@dataclass(frozen=True, slots=True)
class CodecInfo:
    """One way to write pictures.

    suffixes: names it may be written under. container: FFmpeg's muxer, empty for a sequence. encoder, options:
    FFmpeg's. pixel_format, alpha_format: without and with alpha; alpha_format None means that alpha is left out.
    even_size: the chroma grid needs even width and height. grey_format: of depth, one channel without alpha; None
    means that depth is written as a picture, three times the same.
    """

    name: str
    description: str
    suffixes: tuple[str, ...]
    container: str
    encoder: str
    pixel_format: str
    alpha_format: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    container_options: Mapping[str, str] = field(default_factory=dict)
    even_size: bool = False
    grey_format: str | None = None

    @property
    def is_sequence(self) -> bool:
        """Whether it writes one file a frame."""
        return not self.container

    def format_for(self, *, alpha: bool, grey: bool) -> str:
        """The pixel format of pictures that come with alpha, or that are depth; what cannot be kept is left out."""
        if grey and self.grey_format:
            return self.grey_format
        return self.alpha_format if alpha and self.alpha_format else self.pixel_format


_MOV_OPTIONS = MappingProxyType({"movflags": "use_metadata_tags"})

CODECS: Mapping[str, CodecInfo] = MappingProxyType(
    {
        codec.name: codec
        for codec in (
            CodecInfo(
                "prores4444",
                "ProRes 4444, 10 bit 4:4:4, alpha kept: the deliverable of choice (.mov)",
                (".mov",),
                "mov",
                "prores_ks",
                "yuv444p10le",
                "yuva444p10le",
                MappingProxyType({"profile": "4444", "vendor": "apl0"}),
                _MOV_OPTIONS,
            ),
            CodecInfo(
                "prores-hq",
                "ProRes 422 HQ, 10 bit 4:2:2, without alpha (.mov)",
                (".mov",),
                "mov",
                "prores_ks",
                "yuv422p10le",
                None,
                MappingProxyType({"profile": "hq", "vendor": "apl0"}),
                _MOV_OPTIONS,
            ),
            CodecInfo(
                "ffv1",
                "FFV1, lossless 16 bit R'G'B', alpha kept, values outside 0..1 are clipped: archives (.mkv)",
                (".mkv",),
                "matroska",
                "ffv1",
                "gbrp16le",
                "gbrap16le",
                MappingProxyType({"level": "3", "g": "1", "slices": "4", "slicecrc": "1"}),
            ),
            CodecInfo(
                "h264",
                "H.264, 8 bit 4:2:0, even sizes only: previews (.mp4)",
                (".mp4",),
                "mp4",
                "libx264",
                "yuv420p",
                None,
                MappingProxyType({"crf": "16", "preset": "medium"}),
                MappingProxyType({"movflags": "use_metadata_tags+faststart"}),
                even_size=True,
            ),
            CodecInfo(
                "png",
                "PNG, 16 bit R'G'B', alpha kept, one file a frame numbered as the source (out.%04d.png)",
                (".png",),
                "",
                "png",
                "rgb48be",
                "rgba64be",
                grey_format="gray16be",
            ),
            CodecInfo(
                "tiff",
                "TIFF, 16 bit R'G'B', alpha kept, not compressed, one file a frame (out.%04d.tif)",
                (".tif", ".tiff"),
                "",
                "tiff",
                "rgb48le",
                "rgba64le",
                MappingProxyType({"compression_algo": "raw"}),
                grey_format="gray16le",
            ),
            CodecInfo(
                "exr",
                "OpenEXR, 32 bit float, one file a frame (out.%04d.exr): depth, or R'G'B' as it is, not made linear",
                (".exr",),
                "",
                "exr",
                "gbrpf32le",
                "gbrapf32le",
                MappingProxyType({"compression": "zip1", "format": "float"}),
                grey_format="grayf32le",
            ),
        )
    }
)

_DEFAULTS = MappingProxyType(
    {
        ".mov": "prores4444",
        ".mkv": "ffv1",
        ".mp4": "h264",
        ".png": "png",
        ".tif": "tiff",
        ".tiff": "tiff",
        ".exr": "exr",
    }
)


def default_codec(path: Path | str) -> str:
    """Return the codec that the name of the output asks for. Raises InputError when it asks for none."""
    suffix = Path(path).suffix.lower()
    if suffix not in _DEFAULTS:
        known = ", ".join(_DEFAULTS)
        raise InputError(f"No codec is known for an output named {Path(path).name!r}.", f"Use one of {known}.")
    return _DEFAULTS[suffix]


def check_codec(path: Path | str, codec: str) -> CodecInfo:
    """Return the codec by name. Raises InputError when it is unknown or cannot be written under that name."""
    path = Path(path)
    info = CODECS.get(codec)
    if info is None:
        raise InputError(f"There is no codec {codec!r}.", f"Choose one of {', '.join(CODECS)}.")
    if path.suffix.lower() not in info.suffixes:
        fitting = _DEFAULTS.get(path.suffix.lower())
        other = f", or choose --codec {fitting}" if fitting else ""
        raise InputError(
            f"{codec} cannot be written to {path.name!r}.", f"Name the output *{' or *'.join(info.suffixes)}{other}."
        )
    if info.is_sequence and SequencePattern.parse(path) is None:
        raise InputError(
            f"{path.name!r} has no place for a frame number.", f"Name the output such as {path.stem}.%04d{path.suffix}."
        )
    if not info.is_sequence and "%" in path.name and SequencePattern.parse(path) is not None:
        raise InputError(f"{codec} writes one file, not a sequence.", "Leave the frame number out of the name.")
    return info


@dataclass(frozen=True, slots=True)
class OutputSpec:
    """What a deliverable must be.

    width, height: px. rate: frames per second. colour: the tags of the source; an absent matrix is decided by
    `resolve_colour` and then written. start_timecode: label of the first frame written.
    first_number: number of the first picture of a sequence. audio_from, audio_range: whose sound, and of which
    frames (None: of all). provenance: written as metadata, by key. overwrite: an existing output is replaced.
    sources: files that the output is made from, and that it never replaces.
    alpha: pictures come with alpha; it is written where the codec can keep it. grey: pictures are depth, three times
    the same values; they are written as one channel without colour tags where the codec has a format for it.
    """

    width: int
    height: int
    rate: Fraction
    codec: str
    sample_aspect: Fraction = Fraction(1)
    colour: ColourTags = UNTAGGED
    start_timecode: str | None = None
    audio_from: ClipInfo | None = None
    audio_range: FrameRange | None = None
    provenance: Mapping[str, str] = field(default_factory=dict)
    first_number: int = 0
    overwrite: bool = False
    alpha: bool = False
    grey: bool = False
    sources: tuple[Path, ...] = ()

    @classmethod
    def for_clip(
        cls,
        info: ClipInfo,
        frames: FrameRange,
        codec: str,
        *,
        size: tuple[int, int] | None = None,
        provenance: Mapping[str, str] | None = None,
        overwrite: bool = False,
        grey: bool = False,
    ) -> OutputSpec:
        """Return the spec that keeps what a range of the clip has; size is (width, height) px, the clip's by default.

        The sample aspect is corrected where the new size changes the shape of the frame.
        """
        width, height = size or (info.width, info.height)
        aspect = info.sample_aspect * Fraction(info.width * height, info.height * width)
        if abs(aspect / info.sample_aspect - 1) < Fraction(1, 50):
            aspect = info.sample_aspect  # a size rounded to whole pixels is no change of shape
        return cls(
            width=width,
            height=height,
            rate=info.rate,
            codec=codec,
            sample_aspect=aspect,
            colour=info.colour,
            start_timecode=start_timecode_at(info, frames.start),
            audio_from=info if info.has_audio else None,
            audio_range=frames,
            provenance=dict(provenance or {}),
            first_number=info.start_number + frames.start,
            overwrite=overwrite,
            alpha=info.has_alpha,
            grey=grey,
            sources=info.files or (info.path,),
        )
