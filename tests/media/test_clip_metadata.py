"""Texts, reel name, chapters and HDR metadata of a source are in its deliverable, where the format has a place."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from answerprint.frames import ClipInfo, ColourTags, FrameRange, OutputSpec
from answerprint.frames.clip import metadata_within
from answerprint.frames.clip_metadata import NO_METADATA, Chapter, ClipMetadata, HdrMetadata
from answerprint.media import open_writer, probe
from answerprint.media.provenance import read_provenance

WIDTH, HEIGHT, RATE, FRAMES = 256, 128, Fraction(25), 10
TARGETS = [
    ("prores4444", "o.mov"), ("dnxhr-hqx", "o.mov"), ("dnxhr-hqx", "o.mxf"), ("ffv1", "o.mkv"), ("h264", "o.mp4"),
    ("h265", "o.mp4"), ("h265", "o.mov"), ("h265", "o.mkv"),
]  # fmt: skip


def points(*numbers: int) -> tuple[tuple[Fraction, Fraction], ...]:
    values = [Fraction(number, 50_000) for number in numbers]
    return tuple(zip(values[0::2], values[1::2], strict=True))


P3_D65 = points(34000, 16000, 13250, 34500, 7500, 3000, 15635, 16450)
HDR = HdrMetadata(P3_D65, (Fraction(1, 10_000), Fraction(1000)), (1000, 400))
METADATA = ClipMetadata(
    texts=(
        ("creation_time", "2019-05-04T10:00:00.000000Z"),
        ("title", "A title"),
        ("comment", "Zwölf"),
        ("artist", "X"),
    ),
    reel="A001C002",
    track_title="Picture",
    language="fra",
    chapters=(Chapter(Fraction(0), Fraction(1, 5), "One"), Chapter(Fraction(1, 5), Fraction(2, 5), "Two")),
    hdr=HDR,
)
SPEC = OutputSpec(
    WIDTH, HEIGHT, RATE, "", Fraction(16, 15), ColourTags("bt2020", "smpte2084", "bt2020nc", "tv"), "10:00:00:00",
    provenance={"answerprint_model": "tiny"}, metadata=METADATA,
)  # fmt: skip


def written(folder: Path, codec: str, name: str, spec: OutputSpec = SPEC) -> Path:
    with open_writer(folder / name, replace(spec, codec=codec)) as writer:
        for _ in range(FRAMES):
            writer.write(np.full((HEIGHT, WIDTH, 3), 0.5, np.float32))
    return folder / name


@pytest.mark.parametrize(("codec", "name"), TARGETS)
def test_a_deliverable_says_what_its_source_said(codec: str, name: str, tmp_path: Path) -> None:
    info = probe(written(tmp_path, codec, name))
    found = info.metadata
    texts = {key: value.replace("10:00:00Z", "10:00:00.000000Z") for key, value in found.texts}
    assert texts == dict(METADATA.texts)
    assert found.reel == METADATA.reel
    assert info.start_timecode == "10:00:00:00"
    assert info.sample_aspect == Fraction(16, 15)
    assert read_provenance(tmp_path / name) == {"answerprint_model": "tiny"}
    if name == "o.mxf":
        assert (found.chapters, found.hdr) == ((), None)  # the job warns of it
        return
    assert found.chapters == METADATA.chapters
    assert found.language == METADATA.language
    if name == "o.mkv":
        assert found.track_title == METADATA.track_title
    else:  # FFmpeg does not read it
        assert b"\0\0\0\x0fnamePicture" in (tmp_path / name).read_bytes()
    assert found.hdr is not None
    assert found.hdr.light_level == HDR.light_level
    np.testing.assert_allclose(np.array(found.hdr.chromaticities, float), np.array(P3_D65, float), atol=1e-5)
    assert found.hdr.luminance == HDR.luminance


@pytest.mark.parametrize(
    "hdr",
    [
        HdrMetadata(light_level=(500, 100)),
        HdrMetadata(luminance=(Fraction(1, 200), Fraction(4000))),
        HdrMetadata(P3_D65),
    ],
)
@pytest.mark.parametrize(("codec", "name"), [("ffv1", "o.mkv"), ("prores-lt", "o.mov")])
def test_parts_of_hdr_metadata_are_kept(hdr: HdrMetadata, codec: str, name: str, tmp_path: Path) -> None:
    found = probe(written(tmp_path, codec, name, replace(SPEC, metadata=replace(NO_METADATA, hdr=hdr)))).metadata.hdr
    assert found is not None
    assert found.light_level == hdr.light_level
    if hdr.luminance:
        assert found.luminance == hdr.luminance


def test_the_boxes_of_quicktime_are_those_of_the_standard(tmp_path: Path) -> None:
    data = written(tmp_path, "prores-hq", "o.mov").read_bytes()
    green_blue_red_white = "33c286c41d4c0bb884d03e803d134042"
    assert bytes.fromhex("000000206d646376" + green_blue_red_white + "0098968000000001") in data
    assert bytes.fromhex("0000000c636c6c6903e80190") in data


@pytest.mark.skipif(shutil.which("mediainfo") is None, reason="mediainfo is not installed")
@pytest.mark.parametrize(("codec", "name"), [target for target in TARGETS if target[1] != "o.mxf"])
def test_another_reader_finds_hdr_metadata_and_chapters(codec: str, name: str, tmp_path: Path) -> None:
    path = written(tmp_path, codec, name)
    said = subprocess.run(["mediainfo", "--Output=JSON", path], capture_output=True, check=True, text=True).stdout
    tracks = json.loads(said)["media"]["track"]
    video = next(track for track in tracks if track["@type"] == "Video")
    assert video["MasteringDisplay_ColorPrimaries"] == "Display P3"
    assert video["MasteringDisplay_Luminance"] == "min: 0.0001 cd/m2, max: 1000 cd/m2"
    assert video["MaxCLL"].startswith("1000")
    assert video["MaxFALL"].startswith("400")
    assert video["transfer_characteristics"] == "PQ"
    assert tracks[0]["Encoded_Date"].startswith("2019-05-04 10:00:00")


def test_what_a_program_says_of_its_own_work_is_not_copied(tmp_path: Path) -> None:
    spec = replace(SPEC, provenance={"answerprint_job": "1", "encoder": "theirs", "keywords": "kept"})
    info = probe(written(tmp_path, "ffv1", "o.mkv", spec))
    assert "answerprint_job" not in dict(info.metadata.texts)
    assert "encoder" not in dict(info.metadata.texts)
    assert dict(info.metadata.texts)["keywords"] == "kept"


def test_chapters_of_a_range_are_cut_and_moved() -> None:
    clip = ClipInfo(Path("/c.mov"), "file", 64, 48, Fraction(25), 10, metadata=METADATA)
    cut = metadata_within(clip, FrameRange(3, 8)).chapters
    assert cut == (
        Chapter(Fraction(0), Fraction(2, 25), "One"),
        Chapter(Fraction(2, 25), Fraction(5, 25), "Two"),
    )
    assert metadata_within(clip, FrameRange(0, 5)).chapters == METADATA.chapters[:1]
    slower = replace(clip, rate=Fraction(25, 2), file_rate=Fraction(25))  # played at half the speed
    assert metadata_within(slower, FrameRange(0, 10)).chapters[1] == Chapter(Fraction(2, 5), Fraction(4, 5), "Two")


def test_a_file_with_hdr_metadata_still_plays_to_its_end(tmp_path: Path) -> None:
    """The table of contents comes first in an .mp4, so a table that grew would displace every picture."""
    path = written(tmp_path, "h265", "o.mp4")
    assert path.read_bytes().index(b"moov") < path.read_bytes().index(b"mdat")
    assert probe(path).frames == FRAMES
