"""The codecs a deliverable can have, as data.

They are here, not in `media`, because the command line lists codecs and must not load PyAV. Whoever needs to know
something about a codec reads it from its `CodecInfo`: `docs/adding-a-codec.md` shows that one entry is enough.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from answerprint.errors import InputError, OutputError
from answerprint.frames.colour import CINEON, INTEROP_SPACES, UNKNOWN
from answerprint.frames.pixel_format import planar_yuv

__all__ = ["CODECS", "DEFAULT_CODEC", "CodecInfo", "codec_named"]

DEFAULT_CODEC = "prores4444"
"""Of what is restored for Resolve, and what is recommended when another codec does not fit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodecInfo:
    """One way to write pictures, with everything that any part of the program needs to know about it.

    Raises ValueError for facts that contradict each other.
    """

    name: str
    """What `--codec` and a job call it."""
    description: str
    """One line for `--help` and for the form in Resolve: what it is, what it loses, what it is for."""
    suffixes: tuple[str, ...]
    """File names that it may have, in lower case; the first is used for names that the program makes up."""
    encoder: str
    """FFmpeg's name of the encoder; OpenImageIO's of the format if that library writes it."""
    library: Literal["ffmpeg", "openimageio"] = "ffmpeg"
    """Which library has the encoder."""
    pixel_format: str
    """FFmpeg's name of the format that is encoded: planar YUV, R'G'B' or grey, integer or 32-bit float."""
    bits_per_pixel: float
    """Size of a deliverable of ordinary footage, on the safe side; the disk estimate uses it."""
    containers: tuple[str, ...] = ()
    """FFmpeg's name of the muxer for each of the suffixes; empty for a sequence, which has one file per frame."""
    coding: str = ""
    """FFmpeg's name of what a file of it holds, if that is not the encoder's."""
    profile: str = ""
    """FFmpeg's name of its profile in such a file, if the codec has several."""
    alpha_format: str | None = None
    """The pixel format with alpha; None if the codec cannot keep alpha."""
    source_formats: frozenset[str] = frozenset()
    """Planar Y'CbCr formats that are encoded as they are if the source has them, in the source's range."""
    grey_format: str | None = None
    """The pixel format of depth, one channel without alpha; None if depth is written as three equal channels."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Options of the encoder."""
    sample_entry: str = ""
    """The four letters by which .mov and .mp4 name it, if the muxer would choose others."""
    association: Literal["straight", "premultiplied", "as the source"] = "straight"
    """Whether colour is multiplied by alpha in its files, if it keeps alpha."""
    keeps_windows: bool = False
    """Whether its files say where their pixels lie: so they can hold overscan."""
    says_time: bool = False
    """Whether pictures of a sequence say their timecode and the frame rate."""
    colours: frozenset[tuple[str, str]] | None = None
    """The primaries and transfers that pictures of a sequence can say, in pairs; None for all."""
    even_size: bool = False
    """Whether width and height must be even, because of the grid of its chroma."""
    least_size: tuple[int, int] = (1, 1)
    """Width and height of its smallest picture, px."""
    spares_sdi_codes: bool = False
    """Whether it leaves out the lowest and the highest codes, which SDI reserves for synchronisation."""
    join_tag: str = ""
    """The four letters that name the codec in the file, if its frames can be copied into another file one by one.

    That takes frames that need neither each other nor anything from the head of the file. Empty for codecs whose
    frames cannot be joined: a clip with new handles is then restored again as a whole.
    """

    def __post_init__(self) -> None:
        if not self.suffixes or any(not each.startswith(".") or each != each.lower() for each in self.suffixes):
            raise ValueError(f"{self.name} needs suffixes in lower case, such as .mov")
        if self.bits_per_pixel <= 0:
            raise ValueError(f"{self.name} needs a size for the disk estimate")
        if self.is_sequence and self.join_tag:
            raise ValueError(f"{self.name} has no container, so it cannot be joined")
        if self.containers and len(self.containers) != len(self.suffixes):
            raise ValueError(f"{self.name} needs one muxer for each suffix")

    @property
    def is_sequence(self) -> bool:
        """Whether it writes one file per frame."""
        return not self.containers

    def container_for(self, path: Path) -> str:
        """FFmpeg's name of the muxer for a file of that name. Raises ValueError if it cannot be written there."""
        return self.containers[self.suffixes.index(path.suffix.lower())]

    def check_fits(self, width: int, height: int) -> None:
        """Raise OutputError for pictures of a size, px, that it cannot write."""
        if self.even_size and (width % 2 or height % 2):
            raise OutputError(
                f"{self.name} needs an even width and height; the picture is {width}x{height}.",
                f"Give --size {width + width % 2}x{height + height % 2}, or --codec {DEFAULT_CODEC}.",
            )
        if width < self.least_size[0] or height < self.least_size[1]:
            raise OutputError(
                f"{self.name} needs at least {self.least_size[0]}x{self.least_size[1]} pixels; the picture is "
                f"{width}x{height}.",
                f"Give a larger --size, or --codec {DEFAULT_CODEC}.",
            )

    @property
    def is_yuv(self) -> bool:
        """Whether its pictures are Y'CbCr in video range; otherwise they are full-range R'G'B' or grey.

        A codec with `source_formats` follows the source instead, if that has one of them.
        """
        return self.pixel_format.startswith("yuv")

    @property
    def is_float(self) -> bool:
        """Whether its pictures are floats, which keep values below 0 and above 1."""
        return re.search(r"f(?:16|32)(?:le|be)$", self.pixel_format) is not None

    @property
    def bits(self) -> int:
        """Bits of a component of its pictures: of floats, 16 or 32."""
        deep = re.search(r"(?:p|f|gray)(\d+)(?:le|be)$", self.pixel_format)
        packed = re.match(r"rgb(?:48|64)", self.pixel_format)
        return int(deep[1]) if deep else 16 if packed else 8

    @property
    def can_join(self) -> bool:
        """Whether frames of several files can be copied into one without encoding them again."""
        return bool(self.join_tag)

    def follows(self, source: str) -> str:
        """The one of `source_formats` with the samples of the source's pixel format, "" if there is none."""
        return next((each for each in (planar_yuv(source), source) if each in self.source_formats), "")

    def follows_deeper(self, source: str) -> str:
        """The format that `follows` gives, with 10 bits in place of 8: a model makes more of 8 bits than they hold."""
        found = self.follows(source)
        deeper = f"{found}10le"
        return deeper if deeper in self.source_formats else found

    def format_for(self, *, alpha: bool, grey: bool, source: str = "") -> str:
        """The pixel format of pictures with alpha, or of depth; what the codec cannot keep is left out.

        source: the source's pixel format.
        """
        if grey and self.grey_format:
            return self.grey_format
        if not grey and self.follows(source):
            return self.follows(source)
        return self.alpha_format if alpha and self.alpha_format else self.pixel_format


def _prores(name: str, profile: str, bits_per_pixel: float, join_tag: str, read_as: str, about: str) -> CodecInfo:
    four = profile.startswith("4444")
    kept = "10 bit 4:4:4, alpha kept" if four else "10 bit 4:2:2, without alpha"
    return CodecInfo(
        name=name,
        description=f"ProRes {about.format(kept)} (.mov)",
        suffixes=(".mov",),
        encoder="prores_ks",
        coding="prores",
        profile=read_as,
        pixel_format="yuv444p10le" if four else "yuv422p10le",
        alpha_format="yuva444p10le" if four else None,
        bits_per_pixel=bits_per_pixel,
        containers=("mov",),
        options=MappingProxyType({"profile": profile, "vendor": "apl0"}),
        spares_sdi_codes=True,
        join_tag=join_tag,
    )


def _dnxhr(name: str, pixel_format: str, bits_per_pixel: float, about: str, suffixes: tuple[str, ...]) -> CodecInfo:
    profile = "_".join(name.split("-")[:2])
    return CodecInfo(
        name=name,
        description=f"DNxHR {about}, without alpha, at least 256x120 ({', '.join(suffixes)})",
        suffixes=suffixes,
        encoder="dnxhd",
        profile=profile.upper().replace("_", " "),
        pixel_format=pixel_format,
        bits_per_pixel=bits_per_pixel,
        containers=tuple(each[1:] for each in suffixes),
        options=MappingProxyType({"profile": profile}),
        least_size=(256, 120),
        spares_sdi_codes=True,
        join_tag="AVdh",
    )


def _sharing(
    name: str, encoder: str, profile: str, bits_per_pixel: float, options: Mapping[str, str], about: str
) -> CodecInfo:
    ten, h265 = profile.endswith("10"), encoder == "libx265"
    standard, bits = ("H.265", "hevc") if h265 else ("H.264", "h264"), 10 if ten else 8
    return CodecInfo(
        name=name,
        description=f"{standard[0]}, {bits} bit 4:2:0, even sizes only: {about} (.mp4, .mov, .mkv)",
        suffixes=(".mp4", ".mov", ".mkv"),
        encoder=encoder,
        coding=standard[1],
        profile=profile,
        pixel_format="yuv420p10le" if ten else "yuv420p",
        bits_per_pixel=bits_per_pixel,
        containers=("mp4", "mov", "matroska"),
        options=MappingProxyType({"preset": "medium", **options}),
        sample_entry="hvc1" if h265 else "",
        even_size=True,
        least_size=(64, 64) if h265 else (16, 16),  # x265 overruns its memory for narrower pictures
    )


_FFV1_YUV = frozenset(
    f"yuv{alpha}{sampling}p{depth}"
    for alpha in ("", "a")
    for sampling in ("420", "422", "444")
    for depth in ("", "9le", "10le", "12le", "14le", "16le")
    if not (alpha and (depth == "14le" or (sampling, depth) == ("420", "12le")))  # unknown to FFmpeg's encoder
) | {"yuv411p"}
# Of film scans: in 16 bits, no value of theirs would come back exactly.
_FFV1_RGB = frozenset({"gbrp10le", "gbrp12le", "gbrap10le", "gbrap12le"})


def _ffv1(name: str, about: str, source_formats: frozenset[str]) -> CodecInfo:
    return CodecInfo(
        name=name,
        description=f"FFV1, lossless: {about} (.mkv)",
        suffixes=(".mkv",),
        encoder="ffv1",
        pixel_format="gbrp16le",
        alpha_format="gbrap16le",
        source_formats=source_formats,
        bits_per_pixel=34,
        containers=("matroska",),
        # The encoder chooses the slices: not every number of them fits every size.
        options=MappingProxyType({"level": "3", "g": "1", "slicecrc": "1"}),
    )


_QUIET = {"x265-params": "log-level=error"}

_STILLS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"tiff": (".tif", ".tiff"), "openexr": (".exr",), "dpx": (".dpx",)}
)


_EXR_COLOURS = frozenset(
    {*INTEROP_SPACES, *((name, "linear") for name in ("bt709", "bt2020", "smpte431", "smpte432", UNKNOWN))}
)
_DPX_COLOURS = frozenset(
    (primaries, transfer)
    for primaries in ("bt709", "bt470bg", "smpte170m", UNKNOWN)
    for transfer in ("linear", CINEON, "bt709", "smpte170m", UNKNOWN)
)


def _still(name: str, encoder: str, pixel_format: str, bits_per_pixel: float, about: str, **more: Any) -> CodecInfo:  # noqa: ANN401
    """A codec of OpenImageIO. more: further fields."""
    given = {"association": "as the source", "options": MappingProxyType({"compression": "none"}), **more}
    given.setdefault("colours", frozenset())
    return CodecInfo(
        name=name,
        description=about,
        suffixes=_STILLS[encoder],
        encoder=encoder,
        library="openimageio",
        pixel_format=pixel_format,
        bits_per_pixel=bits_per_pixel,
        **given,
    )


def _exr(name: str, numbers: str, bits_per_pixel: float, compression: str, about: str) -> CodecInfo:
    return _still(
        name,
        "openexr",
        f"gbrp{numbers}",
        bits_per_pixel,
        f"OpenEXR, one file a frame (out.%04d.exr), {about}",
        alpha_format=f"gbrap{numbers}",
        grey_format=f"gray{numbers}",
        coding="exr",
        profile="half" if numbers.startswith("f16") else "",
        association="premultiplied",
        keeps_windows=True,
        says_time=True,
        colours=_EXR_COLOURS,
        options=MappingProxyType({"compression": compression}),
    )


def _dpx(bits: int, pixel_format: str, bits_per_pixel: float, **more: Any) -> CodecInfo:  # noqa: ANN401
    kept = "alpha kept" if more else "without alpha"
    about = f"DPX, {bits} bit R'G'B', {kept}, with timecode and rate, one file a frame (out.%04d.dpx)"
    return _still(
        f"dpx-{bits}bit",
        "dpx",
        pixel_format,
        bits_per_pixel,
        about,
        association="straight",
        options={},
        says_time=True,
        colours=_DPX_COLOURS,
        **more,
    )


_CODECS: dict[str, CodecInfo] = {
    codec.name: codec
    for codec in (
        _prores("prores4444", "4444", 9, "ap4h", "4444", "4444, {}: the deliverable of choice"),
        _prores("prores-xq", "4444xq", 14, "ap4x", "XQ", "4444 XQ, {}: the largest"),
        _prores("prores-hq", "hq", 5, "apch", "HQ", "422 HQ, {}"),
        _prores("prores-422", "standard", 3.5, "apcn", "Standard", "422, {}"),
        _prores("prores-lt", "lt", 2.5, "apcs", "LT", "422 LT, {}"),
        _prores("prores-proxy", "proxy", 1.5, "apco", "Proxy", "422 Proxy, {}: previews"),
        _dnxhr("dnxhr-hqx", "yuv422p10le", 6, "HQX, 10 bit 4:2:2", (".mov", ".mxf")),
        _dnxhr("dnxhr-hq", "yuv422p", 5, "HQ, 8 bit 4:2:2", (".mov", ".mxf")),
        # FFmpeg's muxer declares every 4:4:4 in an MXF file to be full-range R'G'B'.
        _dnxhr("dnxhr-444", "yuv444p10le", 10, "444, 10 bit 4:4:4", (".mov",)),
        _dnxhr("dnxhr-444-rgb", "gbrp10le", 10, "444, 10 bit R'G'B' clipped to 0..1", (".mov", ".mxf")),
        _ffv1(
            "ffv1",
            "sampling, range, alpha and depth of the source (10 bits for a model's 8), or 16 bit R'G'B': archives",
            _FFV1_YUV | _FFV1_RGB,
        ),
        _ffv1("ffv1-rgb", "16 bit R'G'B' clipped to 0..1, alpha kept", frozenset()),
        _sharing("h264", "libx264", "High", 1, {"crf": "16"}, "previews"),
        _sharing("h265", "libx265", "Main 10", 1.5, {"crf": "14", **_QUIET}, "HDR, and what is watched"),
        _sharing("h264-10bit", "libx264", "High 10", 1.5, {"crf": "14"}, "not for every player"),
        _sharing("h265-8bit", "libx265", "Main", 1, {"crf": "16", **_QUIET}, "previews"),
        CodecInfo(
            name="png",
            description="PNG, 16 bit R'G'B', alpha kept, one file a frame numbered as the source (out.%04d.png)",
            suffixes=(".png",),
            encoder="png",
            pixel_format="rgb48be",
            alpha_format="rgba64be",
            grey_format="gray16be",
            bits_per_pixel=40,
        ),
        _still(
            "tiff",
            "tiff",
            "rgb48le",
            65,
            "TIFF, 16 bit R'G'B', alpha kept, not compressed, one file a frame (out.%04d.tif)",
            alpha_format="rgba64le",
            grey_format="gray16le",
        ),
        _still(
            "tiff-float",
            "tiff",
            "gbrpf32le",
            129,
            "TIFF, 32 bit float, values outside 0..1 and alpha kept, one file a frame (out.%04d.tif)",
            alpha_format="gbrapf32le",
            grey_format="grayf32le",
        ),
        _exr("exr", "f32le", 129, "zip", "32 bit float: depth, or R'G'B' as it is, not made linear"),
        _exr("exr-half", "f16le", 65, "zip", "16 bit float (half), lossless"),
        _exr(
            "exr-half-dwaa", "f16le", 30, "dwaa:45", "16 bit float (half), DWAA: small, with losses that are not seen"
        ),
        _dpx(10, "gbrp10le", 33),
        _dpx(12, "gbrp12le", 49),
        _dpx(16, "rgb48le", 65, alpha_format="rgba64le"),
    )
}

CODECS: Mapping[str, CodecInfo] = MappingProxyType(_CODECS)
"""All codecs by name. Their order is that of lists; the first one with a suffix is the default for that suffix."""


def codec_named(name: str) -> CodecInfo:
    """Return the codec of that name, the default one for "". Raises InputError for an unknown name."""
    info = CODECS.get(name or DEFAULT_CODEC)
    if info is None:
        raise InputError(f"There is no codec {name!r}.", f"Choose one of {', '.join(CODECS)}.")
    return info
