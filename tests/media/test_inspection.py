"""What is known of media, as text, and what may surprise."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from answerprint.frames.clip import FieldOrder
from answerprint.frames.clip_metadata import Chapter, ClipMetadata, HdrMetadata
from answerprint.media import inspection, probe
from answerprint.media.inspection import inspect_media
from media.makers import fill, make_movie, make_png, numbered_frame
from media.pictures import write_exr

TAGGED = (1, 1, 1, 1)


def test_a_movie_is_described_with_all_its_tracks(tmp_path: Path) -> None:
    file = make_movie(
        tmp_path / "a.mov", 5, rate=Fraction(30000, 1001), aspect=Fraction(8, 9), tags=TAGGED,
        timecode="01:00:00;00", sound="pcm_s16le",
    )  # fmt: skip
    found = inspect_media(probe(file))
    assert found.facts["rate"] == "30000/1001 frames per second (29.970)"
    assert found.facts["timecode"] == "01:00:00;00 to 01:00:00;04"
    assert found.facts["colour"] == "primaries bt709, transfer bt709, matrix bt709"
    assert found.facts["aspect"] == "pixels 8:9, picture 1.185:1"
    assert (found.facts["levels"], found.facts["fields"], found.facts["alpha"]) == ("video", "progressive", "none")
    assert found.facts["sound 1"].startswith("pcm_s16le, 48000 Hz, mono")
    assert found.warnings == ()


def test_what_is_assumed_is_said(tmp_path: Path) -> None:
    for number in range(2):
        make_png(tmp_path / f"a.{number:04}.png", np.zeros((8, 8, 3), np.uint16))
    still = inspect_media(probe(tmp_path / "a.%04d.png"))
    assert still.facts["rate"] == "24 frames per second, assumed"
    assert (still.facts["timecode"], still.facts["levels"]) == ("none", "full")
    movie = inspect_media(probe(make_movie(tmp_path / "b.mov", 2)))
    assert movie.facts["colour"] == "not tagged, matrix smpte170m assumed"
    assert any("smpte170m is assumed" in each for each in movie.warnings)


@pytest.mark.parametrize(("black", "doubted"), [(0, True), (16, False)])
def test_full_levels_that_are_called_video_are_doubted(tmp_path: Path, black: int, doubted: bool) -> None:
    frame = numbered_frame(0)
    fill(frame, 0, np.full((48, 64), black, np.uint8))
    file = make_movie(tmp_path / "a.mkv", [frame], codec="ffv1", tags=TAGGED, timecode=None)
    assert any("may be full" in each for each in inspect_media(probe(file)).warnings) == doubted


def test_hdr_in_8_bit_is_warned_of(tmp_path: Path) -> None:
    info = probe(make_movie(tmp_path / "a.mov", 2, tags=(9, 16, 9, 1)))
    assert any("PQ, in 8 bit" in each for each in inspect_media(info).warnings)


def test_properties_of_all_kinds_have_words(tmp_path: Path) -> None:
    hdr = HdrMetadata(luminance=(Fraction(1, 10000), Fraction(1000)), light_level=(900, 300))
    chapters = (Chapter(Fraction(0), Fraction(1), "Prologue"),)
    texts = (("creation_time", "2020-02-02T02:02:02Z"), ("title", "Night"))
    info = replace(
        probe(make_movie(tmp_path / "a.mov", 2)),
        field_order=FieldOrder.TOP_FIRST, orientation=6, has_alpha=True, premultiplied=True,
        metadata=ClipMetadata(texts, "A001", chapters=chapters, hdr=hdr),
    )  # fmt: skip
    facts = inspect_media(info).facts
    assert facts["fields"] == "interlaced, top field first"
    assert (facts["turned"], facts["alpha"]) == ("by 90 degrees clockwise", "premultiplied")
    assert (facts["reel"], facts["date"], facts["title"]) == ("A001", "2020-02-02T02:02:02Z", "Night")
    assert (facts["chapters"], facts["HDR10"]) == (
        "Prologue", "mastered at 0.0001 to 1000 cd/m2; at most 900 cd/m2, 300 in the mean of a frame",
    )  # fmt: skip


def test_a_plate_is_described_by_its_header(tmp_path: Path) -> None:
    pixels = np.zeros((6, 8, 4), np.float16)
    window = {"dataWindow": ((-2, -1), (5, 4)), "displayWindow": ((0, 0), (3, 2))}
    facts = inspect_media(probe(write_exr(tmp_path / "a.0001.exr", {"RGBA": pixels}, **window))).facts
    assert facts["picture"] == "R'G'B', 16 bit float (gbrapf16le)"
    assert (facts["container"].split(",")[0], "profile" in facts) == ("single picture", False)
    assert (facts["size"], facts["alpha"]) == ("8x6", "premultiplied")
    assert (facts["data window"], facts["display window"]) == ("8x6 at -2,-1", "4x3 at 0,0")
    assert "header timecode" not in facts


def test_a_property_that_has_no_words_of_its_own_is_shown_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inspection, "_SHOWN_OTHERWISE", inspection._SHOWN_OTHERWISE - {"codec"})
    assert inspect_media(probe(make_movie(tmp_path / "a.mov", 2))).facts["codec"] == "h264"
