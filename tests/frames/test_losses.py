"""What a deliverable cannot hold is said; what it can hold is not."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from answerprint.frames.clip import ClipInfo
from answerprint.frames.clip_metadata import Chapter, ClipMetadata, HdrMetadata
from answerprint.frames.codecs import CODECS
from answerprint.frames.colour import CINEON, ColourTags
from answerprint.frames.losses import losses

FILM = ClipInfo(
    Path("/a.mov"), "file", 64, 48, Fraction(25), 9, colour=ColourTags("bt709", "bt709", "bt709", "tv"), bit_depth=10,
    pixel_format="yuv422p10le", start_timecode="01:00:00:00", has_audio=True,
)  # fmt: skip


def test_what_a_codec_holds_goes_without_a_word() -> None:
    assert losses(FILM, CODECS["prores4444"]) == losses(replace(FILM, has_alpha=True), CODECS["prores4444"]) == ()
    assert losses(replace(FILM, bit_depth=16, pixel_format="yuv422p16le"), CODECS["ffv1"]) == ()


def test_lost_bits_and_alpha_are_said() -> None:
    (bits,) = losses(FILM, CODECS["h264"])
    assert "10 bits" in bits
    assert "h264 has 8 bits" in bits
    (alpha,) = losses(replace(FILM, has_alpha=True), CODECS["prores-hq"])
    assert "alpha is left out" in alpha
    (deep,) = losses(replace(FILM, bit_depth=32, pixel_format="gbrpf32le"), CODECS["ffv1"])
    assert "32-bit float" in deep
    assert "clipped" in deep
    half = replace(FILM, bit_depth=32, pixel_format="gbrpf16le")
    assert losses(half, CODECS["prores4444"])[0].startswith("The source has 16-bit floats, and prores4444 has 10 bits")
    scan = replace(FILM, kind="sequence", has_audio=False, pixel_format="gbrp10le", colour=ColourTags(transfer=CINEON))
    assert losses(scan, CODECS["dpx-10bit"]) == ()
    plate = replace(half, kind="sequence", has_audio=False, colour=ColourTags("bt2020", "linear"))
    assert losses(plate, CODECS["exr-half"]) == losses(plate, CODECS["exr"]) == ()
    assert "rounded" in losses(replace(scan, bit_depth=16), CODECS["exr-half"])[0]  # it has 11 significant bits


def test_what_pictures_do_not_hold_of_a_film_is_said_in_one_sentence() -> None:
    (said,) = losses(FILM, CODECS["tiff"])
    assert said == ("A sequence of tiff pictures does not hold the frame rate, timecode and colour tags of the source.")
    assert "colour tags" not in losses(FILM, CODECS["png"])[0]
    stills = replace(FILM, kind="sequence", start_timecode=None, has_audio=False)
    assert losses(stills, CODECS["png"]) == ()


def test_hdr_in_eight_bits_is_said() -> None:
    hlg = replace(FILM, colour=ColourTags("bt2020", "arib-std-b67", "bt2020nc", "tv"), bit_depth=10)
    assert "HLG" in " ".join(losses(hlg, CODECS["h264"]))
    assert losses(hlg, CODECS["h265"]) == ()


def test_what_only_some_containers_hold_is_said() -> None:
    chapters = (Chapter(Fraction(0), Fraction(1), "One"),)
    film = replace(FILM, metadata=ClipMetadata(chapters=chapters, hdr=HdrMetadata(light_level=(1000, 400))))
    for suffix in (".mov", ".MXF"):
        said = losses(film, CODECS["dnxhr-hqx"], suffix)
        assert ("An .mxf file does not hold the chapters and HDR metadata of the source.",) * (suffix == ".MXF") == said
    assert any("chapters" in sentence for sentence in losses(film, CODECS["tiff"]))
