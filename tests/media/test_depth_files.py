"""Depth as one channel: every value as other readers find it, and pictures beside it as they were."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from answerprint.errors import MediaError
from answerprint.frames import ClipInfo, ColourTags, FrameRange, OutputSpec, Picture
from answerprint.media import open_reader, open_writer, probe
from answerprint.media.provenance import read_provenance
from media.pictures import read_exr

TAGS = ColourTags("bt709", "bt709", "bt709", "tv")
GREY = {"png": "o.%04d.png", "tiff": "o.%04d.tif", "exr": "o.%04d.exr"}
PROVENANCE = {"answerprint_job": "7f", "answerprint_source": 'a "take" ü\n2.mov'}


def spec(codec: str, width: int = 61, height: int = 37) -> OutputSpec:
    return OutputSpec(width, height, Fraction(25), codec, colour=TAGS, provenance=PROVENANCE)


def depth(width: int = 61, height: int = 37) -> NDArray[np.float32]:
    """[H, W] of floats in 0..1 that no number of bits holds, both ends among them."""
    values = np.random.default_rng(0).random((height, width), np.float32)
    values[0, :3] = (0, 1, 1 / 3)
    return values


def as_picture(values: NDArray[np.float32]) -> Picture:
    return np.repeat(values[..., None], 3, axis=-1)


def write(path: Path, wanted: OutputSpec, *pictures: Picture, alpha: Picture | None = None) -> Path:
    """The first file of a sequence that was written."""
    with open_writer(path, wanted) as writer:
        for picture in pictures:
            writer.write(picture, alpha)
    return path.with_name(path.name % wanted.first_number)


def codes_in(file: Path) -> NDArray[np.uint16]:
    """The codes of a PNG or a TIFF as OpenCV reads them, channels in the order blue, green, red."""
    found = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
    assert found is not None and found.dtype == np.uint16
    return np.asarray(found, np.uint16)


@pytest.mark.parametrize("codec", ["png", "tiff"])
def test_depth_of_sixteen_bits_is_one_channel_for_every_reader(tmp_path: Path, codec: str) -> None:
    file = write(tmp_path / GREY[codec], replace(spec(codec), grey=True), as_picture(depth()))
    found = codes_in(file)
    assert found.shape == (37, 61)
    assert np.array_equal(found, np.rint(depth() * np.float32(65535)))
    assert np.abs(found / 65535 - depth()).max() < 0.51 / 65535


@pytest.mark.parametrize("codec", ["png", "tiff"])
def test_all_codes_of_sixteen_bits_survive(tmp_path: Path, codec: str) -> None:
    codes = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    wanted = replace(spec(codec, 256, 256), grey=True)
    file = write(tmp_path / GREY[codec], wanted, as_picture(codes.astype(np.float32) / np.float32(65535)))
    assert np.array_equal(codes_in(file), codes)
    with open_reader(probe(tmp_path / GREY[codec])) as reader:
        back = next(reader).picture
    assert np.array_equal(np.rint(back * 65535), as_picture(codes.astype(np.float32)))


def test_depth_of_floats_is_bit_for_bit_what_it_was_also_outside_of_zero_to_one(tmp_path: Path) -> None:
    values = depth()
    values[1, :4] = (-0.25, 1.75, 1e-30, 60000.5)
    file = write(tmp_path / "o.%04d.exr", replace(spec("exr"), grey=True), as_picture(values))
    _, channels = read_exr(file)
    assert list(channels) == ["Y"]
    assert np.array_equal(channels["Y"], values)
    info = probe(tmp_path / "o.%04d.exr")
    assert (info.codec, info.pixel_format, info.width, info.height) == ("exr", "grayf32le", 61, 37)
    with open_reader(info) as reader:
        assert np.array_equal(next(reader).picture, as_picture(values))


def test_smooth_depth_of_floats_is_compressed_and_unharmed(tmp_path: Path) -> None:
    values = np.tile(np.linspace(0, 1, 512, dtype=np.float32), (64, 1))
    file = write(tmp_path / "o.%04d.exr", replace(spec("exr", 512, 64), grey=True), as_picture(values))
    assert np.array_equal(read_exr(file)[1]["Y"], values)
    assert file.stat().st_size < values.nbytes


def test_pictures_of_floats_are_as_they_are_with_alpha(tmp_path: Path) -> None:
    picture = np.random.default_rng(1).normal(0.5, 1, (37, 61, 3)).astype(np.float32)
    file = write(tmp_path / "o.%04d.exr", spec("exr"), picture)
    _, channels = read_exr(file)
    assert set(channels) == set("RGB")
    assert np.array_equal(np.stack([channels[name] for name in "RGB"], -1), picture)

    wanted = replace(spec("exr"), alpha=True, premultiplied=True, overwrite=True)
    _, channels = read_exr(write(tmp_path / "o.%04d.exr", wanted, picture, alpha=depth()))
    assert set(channels) == set("RGBA")
    assert np.array_equal(np.stack([channels[name] for name in "RGB"], -1), picture)
    assert np.array_equal(channels["A"], depth())


def test_pictures_in_tiff_are_sixteen_bits_of_three_channels_or_four(tmp_path: Path) -> None:
    codes = np.random.default_rng(2).integers(0, 65536, (37, 61, 4)).astype(np.uint16)
    values = codes.astype(np.float32) / np.float32(65535)
    file = write(tmp_path / "o.%04d.tif", spec("tiff"), values[..., :3])
    assert np.array_equal(codes_in(file), codes[..., 2::-1])

    wanted = replace(spec("tiff"), alpha=True, overwrite=True)
    file = write(tmp_path / "o.%04d.tif", wanted, values[..., :3], alpha=values[..., 3])
    assert np.array_equal(tifffile.imread(file), codes)
    with tifffile.TiffFile(file) as opened:
        assert [int(kind) for kind in opened.pages[0].aspage().extrasamples] == [2]  # alpha is not multiplied in


@pytest.mark.parametrize("codec", sorted(GREY))
def test_alpha_of_the_source_is_no_part_of_depth(tmp_path: Path, codec: str) -> None:
    write(tmp_path / GREY[codec], replace(spec(codec), grey=True, alpha=True), as_picture(depth()), alpha=depth())
    info = probe(tmp_path / GREY[codec])
    assert not info.has_alpha
    assert info.pixel_format.startswith("gray")


def test_depth_says_nothing_of_colours_that_would_change_it(tmp_path: Path) -> None:
    picture = write(tmp_path / "p.%04d.png", spec("png"), as_picture(depth())).read_bytes()
    alone = write(tmp_path / "d.%04d.png", replace(spec("png"), grey=True), as_picture(depth())).read_bytes()
    for chunk in (b"gAMA", b"cHRM", b"cICP"):
        assert chunk in picture
        assert chunk not in alone
    attributes, _ = read_exr(write(tmp_path / "d.%04d.exr", replace(spec("exr"), grey=True), as_picture(depth())))
    assert not set(attributes) & {"chromaticities", "whiteLuminance"}


@pytest.mark.parametrize(("codec", "name"), [("ffv1", "o.mkv"), ("prores4444", "o.mov"), ("h264", "o.mp4")])
def test_a_movie_takes_depth_as_a_grey_picture(tmp_path: Path, codec: str, name: str) -> None:
    wanted = replace(spec(codec, 64, 48), grey=True)
    path = tmp_path / name
    with open_writer(path, wanted) as writer:
        writer.write(as_picture(np.tile(np.linspace(0, 1, 64, dtype=np.float32), (48, 1))))
    with open_reader(probe(path)) as reader:
        back = next(reader).picture
    assert np.abs(back - np.linspace(0, 1, 64)[None, :, None]).max() < 0.02
    assert probe(path).pixel_format == {"ffv1": "gbrp16le", "prores4444": "yuv444p12le", "h264": "yuv420p"}[codec]


@pytest.mark.parametrize("codec", sorted(GREY))
def test_sequences_of_depth_are_numbered_as_their_source(tmp_path: Path, codec: str) -> None:
    clip = ClipInfo(Path("/p"), "sequence", 61, 37, Fraction(24), 99, start_number=1001)
    wanted = OutputSpec.for_clip(clip, FrameRange(10, 13), codec, grey=True)
    write(tmp_path / GREY[codec], wanted, *(as_picture(depth()) for _ in range(3)))
    assert sorted(file.name for file in tmp_path.iterdir()) == [GREY[codec] % number for number in (1011, 1012, 1013)]


def test_an_exr_carries_its_provenance_beside_what_it_needs(tmp_path: Path) -> None:
    wanted = replace(spec("exr"), grey=True, sample_aspect=Fraction(16, 15))
    file = write(tmp_path / "o.%04d.exr", wanted, as_picture(depth()))
    attributes, channels = read_exr(file)
    assert {key: attributes[key] for key in PROVENANCE} == PROVENANCE
    assert attributes["pixelAspectRatio"] == np.float32(16 / 15)
    assert np.array_equal(channels["Y"], depth())
    assert read_provenance(file) == PROVENANCE


def test_a_tiff_carries_its_provenance_as_its_description(tmp_path: Path) -> None:
    file = write(tmp_path / "o.%04d.tif", replace(spec("tiff"), grey=True), as_picture(depth()))
    with tifffile.TiffFile(file) as opened:
        page = opened.pages[0].aspage()
        tags = [tag.code for tag in page.tags]
        assert json.loads(page.description) == PROVENANCE
    assert tags == sorted(tags)
    assert read_provenance(file) == PROVENANCE


@pytest.mark.parametrize("codec", sorted(GREY))
def test_a_picture_without_provenance_says_nothing(tmp_path: Path, codec: str) -> None:
    file = write(tmp_path / GREY[codec], replace(spec(codec), provenance={}), as_picture(depth()))
    assert b"answerprint" not in file.read_bytes()
    with av.open(str(file)) as container:
        assert next(container.decode(video=0)).width == 61


def test_headers_that_end_anywhere_or_say_nonsense_give_only_whole_texts(tmp_path: Path) -> None:
    for codec in ("exr", "tiff", "png"):
        file = write(tmp_path / GREY[codec], replace(spec(codec, 8, 4), grey=True), as_picture(depth(8, 4)))
        data, other = file.read_bytes(), tmp_path / f"other{file.suffix}"
        for stop in range(8, len(data), 29):
            other.write_bytes(data[:stop])
            with suppress(MediaError):
                assert read_provenance(other).items() <= PROVENANCE.items()
    for description in ("not ours", "[1]", '{"a": 1}'):
        tifffile.imwrite(tmp_path / "t.tif", np.zeros((4, 4), np.uint16), description=description, metadata=None)
        assert read_provenance(tmp_path / "t.tif") == {}


@pytest.mark.parametrize("codec", sorted(GREY))
def test_depth_is_known_as_ours_by_its_files(tmp_path: Path, codec: str) -> None:
    file = write(tmp_path / GREY[codec], replace(spec(codec), grey=True), as_picture(depth()))
    assert read_provenance(file) == PROVENANCE
