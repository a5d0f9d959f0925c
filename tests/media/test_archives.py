"""FFV1 keeps what an archive must keep: sampling, depth, range and every code of the source."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from answerprint.frames import CODECS, OutputSpec
from answerprint.frames.pixel_format import planar_yuv
from answerprint.media import open_reader, open_writer, probe
from answerprint.media.boundary import open_container
from answerprint.media.sink import written_format
from media.makers import fill, make_movie

WIDTH, HEIGHT, RATE = 48, 32, Fraction(25)
RANGES = {"tv": 1, "pc": 2}


def source_frame(pixel_format: str, seed: int) -> VideoFrame:
    """Every code of luma, the reserved ones too, on chroma that is the same everywhere; alpha, if any, of any code."""
    frame = VideoFrame(WIDTH, HEIGHT, pixel_format)
    top = 2 ** frame.format.components[0].bits
    dtype = np.uint8 if top == 256 else np.uint16
    chance = np.random.default_rng(seed)
    for index, plane in enumerate(frame.planes):
        if index in (1, 2):
            fill(frame, index, np.full((plane.height, plane.width), top // 2 + 20 * index, dtype))
        else:
            codes = chance.integers(0, top, (HEIGHT, WIDTH)).astype(dtype)
            codes[0, :2] = (0, top - 1)
            fill(frame, index, codes)
    return frame


def planes(path: Path) -> list[list[NDArray[np.generic]]]:
    with open_container(path) as container:
        stream = container.streams.video[0]
        return [
            [
                np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)[
                    :, : plane.width * (1 if frame.format.components[0].bits == 8 else 2)
                ]
                for plane in frame.planes
            ]
            for frame in container.decode(stream)
        ]


@pytest.mark.parametrize("tagged", RANGES)
@pytest.mark.parametrize("pixel_format", sorted(CODECS["ffv1"].source_formats))
def test_ffv1_keeps_the_codes_of_the_source(pixel_format: str, tagged: str, tmp_path: Path) -> None:
    path, out = tmp_path / "in.mkv", tmp_path / "out.mkv"
    pictures = [source_frame(pixel_format, seed) for seed in range(2)]
    info = probe(make_movie(path, pictures, codec="ffv1", tags=(1, 1, 1, RANGES[tagged])))
    assert (info.pixel_format, info.colour.range) == (pixel_format, tagged)
    with open_reader(info) as reader, open_writer(out, OutputSpec.for_clip(info, info.whole, "ffv1")) as writer:
        for frame in reader:
            writer.write(frame.picture, frame.alpha)
    result = probe(out)
    colour = info.colour if planar_yuv(pixel_format) else replace(info.colour, matrix="gbr", range="pc")
    assert (result.pixel_format, result.colour, result.has_alpha) == (pixel_format, colour, info.has_alpha)
    for before, after in zip(planes(path), planes(out), strict=True):
        for plane, kept in zip(before, after, strict=True):
            np.testing.assert_array_equal(plane, kept)


@pytest.mark.parametrize(
    ("source", "written"),
    [
        ("yuvj420p", "yuv420p"),
        ("nv12", "yuv420p"),
        ("p010le", "yuv420p10le"),
        ("p216le", "yuv422p16le"),
        ("uyvy422", "yuv422p"),
        ("yuv422p10be", "yuv422p10le"),
        ("yuv440p", "gbrp16le"),
        ("rgb24", "gbrp16le"),
        ("gbrpf32le", "gbrp16le"),
        ("gray", "gbrp16le"),
        ("", "gbrp16le"),
    ],
)
def test_other_formats_of_a_source_become_the_nearest(source: str, written: str) -> None:
    spec = OutputSpec(WIDTH, HEIGHT, RATE, "ffv1", source_format=source)
    assert written_format(spec, CODECS["ffv1"]) == written
    assert written_format(spec, CODECS["ffv1-rgb"]) == "gbrp16le"


def test_depth_is_not_rounded_to_the_depth_of_the_source() -> None:
    spec = OutputSpec(WIDTH, HEIGHT, RATE, "ffv1", source_format="yuv420p", grey=True)
    assert written_format(spec, CODECS["ffv1"]) == "gbrp16le"


@pytest.mark.parametrize("size", [(63, 47), (48, 47), (63, 48)])
def test_ffv1_keeps_odd_sizes_of_halved_chroma(size: tuple[int, int], tmp_path: Path) -> None:
    width, height = size
    spec = OutputSpec(width, height, RATE, "ffv1", source_format="yuv420p")
    with open_writer(tmp_path / "o.mkv", spec) as writer:
        writer.write(np.full((height, width, 3), 0.5, np.float32))
    info = probe(tmp_path / "o.mkv")
    assert (info.width, info.height, info.pixel_format) == (width, height, "yuv420p")


def test_formats_with_the_same_samples_have_one_planar_name() -> None:
    for name in CODECS["ffv1"].source_formats:
        assert planar_yuv(name) == (name if name.startswith("yuv") else "")
