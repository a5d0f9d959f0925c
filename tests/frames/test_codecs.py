"""Codecs: chosen by name, refused with a remedy where codec and name clash."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest

from answerprint.errors import InputError
from answerprint.frames import CODECS, ClipInfo, FrameRange, OutputSpec, check_codec, default_codec


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.mov", "prores4444"),
        ("a.MKV", "ffv1"),
        ("a.mp4", "h264"),
        ("a.%04d.png", "png"),
        ("a.%04d.exr", "exr"),
        ("a.%04d.tif", "tiff"),
        ("a.%04d.TIFF", "tiff"),
    ],
)
def test_the_name_of_the_output_chooses_the_codec(name: str, codec: str) -> None:
    assert default_codec(name) == codec
    assert check_codec(name, codec) is CODECS[codec]


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.mov", "av2"),
        ("a.mkv", "prores4444"),
        ("a.mp4", "ffv1"),
        ("a.png", "png"),
        ("a.exr", "exr"),
        ("a.%04d.png", "exr"),
        ("a.%04d.exr", "tiff"),
        ("a.%04d.mov", "prores-hq"),
    ],
)
def test_a_clash_of_codec_and_name_is_refused_with_a_remedy(name: str, codec: str) -> None:
    with pytest.raises(InputError) as caught:
        check_codec(name, codec)
    assert caught.value.remedy


def test_an_output_without_a_known_suffix_is_refused() -> None:
    with pytest.raises(InputError, match="No codec"):
        default_codec("out.xyz")


def test_listing_codecs_does_not_load_the_media_library() -> None:
    code = "import sys, answerprint.frames; sys.exit('av' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_new_shape_of_frame_corrects_the_sample_aspect() -> None:
    clip = ClipInfo(Path("/c.mov"), "file", 720, 576, Fraction(25), 9, sample_aspect=Fraction(16, 15))
    frames = FrameRange(0, 9)
    assert OutputSpec.for_clip(clip, frames, "h264", size=(1440, 1152)).sample_aspect == Fraction(16, 15)
    assert OutputSpec.for_clip(clip, frames, "h264", size=(768, 576)).sample_aspect == 1


@pytest.mark.parametrize(
    ("codec", "formats"),
    [
        ("png", ("rgb48be", "rgba64be", "gray16be")),
        ("tiff", ("rgb48le", "rgba64le", "gray16le")),
        ("exr", ("gbrpf32le", "gbrapf32le", "grayf32le")),
        ("ffv1", ("gbrp16le", "gbrap16le", "gbrp16le")),
        ("prores-hq", ("yuv422p10le", "yuv422p10le", "yuv422p10le")),
    ],
)
def test_pictures_pictures_with_alpha_and_depth_have_formats_of_their_own(
    codec: str, formats: tuple[str, str, str]
) -> None:
    info = CODECS[codec]
    found = [info.format_for(alpha=alpha, grey=grey) for alpha, grey in ((False, False), (True, False), (False, True))]
    assert tuple(found) == formats


@pytest.mark.parametrize("codec", ["png", "tiff", "exr"])
def test_what_is_named_as_a_single_picture_is_refused_with_a_name_that_fits(codec: str) -> None:
    suffix = CODECS[codec].suffixes[0]
    with pytest.raises(InputError, match="no place for a frame number") as caught:
        check_codec(f"a{suffix}", codec)
    assert f"a.%04d{suffix}" in caught.value.remedy
