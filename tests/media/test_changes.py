"""What later pictures of a source say otherwise than the first one: it is said, and none is shifted."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from answerprint.errors import MediaError
from answerprint.frames import FrameRange
from answerprint.frames.frame import Frame
from answerprint.media import open_reader, probe
from media.makers import make_movie
from media.pictures import exr_timecode, only_frame, write_exr

SHAPE = (12, 16)
VALUES = np.random.default_rng(5).random((*SHAPE, 4), np.float32)


def channels(names: str = "RGB", shape: tuple[int, int] = SHAPE) -> dict[str, NDArray[Any]]:
    return {name: VALUES[: shape[0], : shape[1], place].copy() for place, name in enumerate(names)}


def box(left: int, top: int, width: int, height: int) -> tuple[tuple[int, int], tuple[int, int]]:
    return (left, top), (left + width - 1, top + height - 1)


def read(pattern: Path, start: int = 0) -> tuple[list[Frame], list[str]]:
    info = probe(pattern)
    with open_reader(info, FrameRange(start, info.frames)) as reader:
        return list(reader), reader.take_changes()


@pytest.mark.parametrize(
    ("first", "later", "word"),
    [
        ({"timeCode": exr_timecode(1, 0, 0, 0)}, {"timeCode": exr_timecode(1, 0, 0, 7)}, "timecode"),
        ({"framesPerSecond": Fraction(24)}, {"framesPerSecond": Fraction(25)}, "frame rate"),
        ({"pixelAspectRatio": 2.0}, {"pixelAspectRatio": 1.0}, "pixel aspect"),
        ({}, {"chromaticities": (0.708, 0.292, 0.17, 0.797, 0.131, 0.046, 0.3127, 0.329)}, "colour space"),
    ],
)
def test_what_changes_within_a_sequence_is_said_once(
    tmp_path: Path, first: dict[str, Any], later: dict[str, Any], word: str
) -> None:
    write_exr(tmp_path / "p.0001.exr", channels(), **first)
    write_exr(tmp_path / "p.0002.exr", channels(), **later)
    for start in (0, 1):
        (said,) = read(tmp_path / "p.%04d.exr", start)[1]
        assert word in said
        assert "at frame 1;" in said


def test_a_timecode_that_goes_on_is_no_change(tmp_path: Path) -> None:
    for number in range(3):
        write_exr(tmp_path / f"p.{number}.exr", channels(), timeCode=exr_timecode(1, 0, 0, 23 + number)
                  if number == 0 else exr_timecode(1, 0, 1, number - 1))  # fmt: skip
    assert read(tmp_path / "p.%d.exr")[1] == []


def test_alpha_and_depth_that_begin_later_are_said(tmp_path: Path) -> None:
    half = {name: plane.astype(np.float16) for name, plane in channels().items()}
    write_exr(tmp_path / "p.0001.exr", half)
    write_exr(tmp_path / "p.0002.exr", channels("RGBA"))
    for start in (0, 1):
        said = " ".join(read(tmp_path / "p.%04d.exr", start)[1])
        assert "alpha" in said
        assert "depth" in said


def test_a_later_picture_with_a_window_of_its_own_is_put_in_its_place(tmp_path: Path) -> None:
    display = box(0, 0, 16, 12)
    write_exr(tmp_path / "p.0001.exr", channels())
    write_exr(tmp_path / "p.0002.exr", channels(shape=(5, 6)), dataWindow=box(4, 3, 6, 5), displayWindow=display)
    write_exr(tmp_path / "p.0003.exr", channels(), dataWindow=box(2, 1, 16, 12), displayWindow=display)
    frames, said = read(tmp_path / "p.%04d.exr")
    expected = np.zeros((12, 16, 3), np.float32)
    expected[3:8, 4:10] = VALUES[:5, :6, :3]
    np.testing.assert_array_equal(frames[1].picture, expected)
    expected[:] = 0
    expected[1:, 2:] = VALUES[:11, :14, :3]
    np.testing.assert_array_equal(frames[2].picture, expected)
    assert ["overscan" in each for each in said] == [True]


def test_a_later_picture_of_another_size_is_not_cropped(tmp_path: Path) -> None:
    write_exr(tmp_path / "p.0001.exr", channels())
    write_exr(tmp_path / "p.0002.exr", channels(shape=(10, 14)))
    with pytest.raises(MediaError, match=r"Frame 1 .* is 14x10"):
        read(tmp_path / "p.%04d.exr")


def test_colours_that_change_within_a_film_are_said(tmp_path: Path) -> None:
    parts = [
        make_movie(tmp_path / f"{tag}.h264", 4, tags=(tag, tag, tag, 1), aspect=Fraction(tag)).read_bytes()
        for tag in (1, 9)
    ]
    (tmp_path / "in.h264").write_bytes(b"".join(parts))
    aspect, colour = read(tmp_path / "in.h264")[1]
    assert aspect.startswith("The aspect of the pixels of the source changes near frame ")
    assert [colour] == [
        "The colour space of the source changes at frame 4; the result is as the first picture.",
    ]


def test_of_a_tiff_with_a_thumbnail_first_the_picture_is_read(tmp_path: Path) -> None:
    codes = np.random.default_rng(6).integers(0, 65536, (*SHAPE, 3)).astype(np.uint16)
    with tifffile.TiffWriter(tmp_path / "in.tif") as file:
        file.write(codes[::4, ::4], photometric="rgb", subfiletype=1)
        file.write(codes, photometric="rgb")
    picture, _ = only_frame(tmp_path / "in.tif")
    np.testing.assert_array_equal(picture, (codes / np.float32(65535)).astype(np.float32))
