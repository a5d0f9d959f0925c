"""The codec follows the source where it must, or where it is asked to, and the choice is said."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from answerprint.errors import InputError
from answerprint.frames import ClipInfo, ColourTags
from answerprint.frames.codec_choice import LIKE_SOURCE, codec_for_source, codec_without_source
from answerprint.frames.colour import UNTAGGED

PQ = ColourTags("bt2020", "smpte2084", "bt2020nc", "tv")


def clip(codec: str, profile: str, pixel_format: str, bits: int, colour: ColourTags = UNTAGGED) -> ClipInfo:
    return ClipInfo(
        Path("/c"), "file", 64, 48, Fraction(25), 9, colour=colour, bit_depth=bits, pixel_format=pixel_format,
        codec=codec, profile=profile, has_alpha="yuva" in pixel_format,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("source", "output", "chosen"),
    [
        (clip("prores", "HQ", "yuv422p10le", 10), "o.mov", "prores-hq"),
        (clip("prores", "XQ", "yuv444p12le", 12), "o.mov", "prores-xq"),
        (clip("prores", "Proxy", "yuv422p10le", 10), "o.mov", "prores-proxy"),
        (clip("prores", "4444", "yuva444p12le", 12), "o.mov", "prores4444"),
        (clip("dnxhd", "DNXHR HQX", "yuv422p10le", 10), "o.mxf", "dnxhr-hqx"),
        (clip("dnxhd", "DNXHR 444", "gbrp10le", 10), "o.mov", "dnxhr-444-rgb"),
        (clip("dnxhd", "DNXHR 444", "yuv444p10le", 10), "o.mov", "dnxhr-444"),
        (clip("dnxhd", "DNXHD", "yuv422p", 8), "o.mov", "dnxhr-hq"),
        (clip("dnxhd", "DNXHD", "yuv422p10le", 10), "o.mov", "dnxhr-hqx"),
        (clip("ffv1", "", "yuv420p", 8), "o.mkv", "ffv1"),
        (clip("ffv1", "", "gbrp16le", 16), "o.mkv", "ffv1"),
        (clip("h264", "High", "yuv420p", 8), "o.mp4", "h264"),
        (clip("h264", "Main", "yuv420p", 8), "o.mov", "h264"),
        (clip("h264", "High 4:2:2", "yuv422p10le", 10), "o.mp4", "h264-10bit"),
        (clip("hevc", "Main 10", "yuv420p10le", 10, PQ), "o.mp4", "h265"),
        (clip("hevc", "Main", "yuv420p", 8), "o.mkv", "h265-8bit"),
        (clip("exr", "half", "gbrpf32le", 32), "o.%04d.exr", "exr-half"),
        (clip("exr", "", "gbrapf32le", 32), "o.%04d.exr", "exr"),
        (clip("dpx", "", "gbrp10le", 10), "o.%04d.dpx", "dpx-10bit"),
        (clip("dpx", "", "gbrp12le", 12), "o.%04d.dpx", "dpx-12bit"),
        (clip("tiff", "", "gbrpf32le", 32), "o.%04d.tif", "tiff-float"),
        (clip("png", "", "rgb24", 8), "o.%04d.png", "png"),
        (clip("mpeg2video", "4:2:2", "yuv422p", 8), "o.mov", "prores4444"),
        (clip("v210", "", "yuv422p10le", 10), "o.mp4", "h265"),
    ],
    ids=lambda value: f"{value.codec} {value.profile}" if isinstance(value, ClipInfo) else str(value),
)
def test_a_result_like_its_source_is_of_the_same_kind(source: ClipInfo, output: str, chosen: str) -> None:
    name, why = codec_for_source(Path(output), LIKE_SOURCE, source)
    assert name == chosen
    assert f"The source is {source.codec}" in why
    assert chosen in why


def test_a_kind_that_the_name_cannot_hold_is_refused() -> None:
    with pytest.raises(InputError, match="cannot be written") as refused:
        codec_for_source(Path("o.mov"), LIKE_SOURCE, clip("ffv1", "", "yuv420p", 8))
    assert "*.mkv" in refused.value.remedy


@pytest.mark.parametrize(
    ("source", "asked", "chosen", "said"),
    [
        (clip("h264", "High", "yuv420p", 8), None, "h264", ""),
        (clip("prores", "HQ", "yuv422p10le", 10), None, "h265", "10-bit"),
        (clip("hevc", "Main 10", "yuv420p10le", 10, PQ), "", "h265", "10-bit PQ"),
        (clip("h264", "High", "yuv420p", 8, PQ), None, "h265", "8-bit PQ"),
        (clip("hevc", "Main 10", "yuv420p10le", 10, PQ), "h264", "h264", ""),
    ],
)
def test_eight_bits_are_no_default_for_deeper_sources(source: ClipInfo, asked: str, chosen: str, said: str) -> None:
    name, why = codec_for_source(Path("o.mp4"), asked, source)
    assert name == chosen
    assert said in why if said else not why


def test_the_name_of_the_output_is_checked_before_the_source_is_opened() -> None:
    assert codec_without_source(Path("o.mkv"), LIKE_SOURCE).name == "ffv1"
    assert codec_without_source(Path("o.mov"), "prores-hq").name == "prores-hq"
    with pytest.raises(InputError, match="No codec"):
        codec_without_source(Path("o.avi"), LIKE_SOURCE)
    with pytest.raises(InputError, match="frame number"):
        codec_without_source(Path("o.png"), LIKE_SOURCE)
