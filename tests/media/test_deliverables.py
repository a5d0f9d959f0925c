"""Every movie codec, under each of its suffixes, keeps what a deliverable must keep."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from answerprint.errors import OutputError
from answerprint.frames import CODECS, CodecInfo, ColourTags, FrameRange, OutputSpec, Picture
from answerprint.frames.colour import MATRIX_WEIGHTS
from answerprint.media import open_reader, open_writer, probe
from answerprint.media.movie_writer import MovieWriter
from answerprint.media.provenance import read_provenance

WIDTH, HEIGHT, FRAMES = 256, 128, 3
MOVIES = [(codec, suffix) for codec in CODECS.values() if not codec.is_sequence for suffix in codec.suffixes]
NAMES = [f"{codec.name}{suffix}" for codec, suffix in MOVIES]
COLOUR = ColourTags("bt2020", "smpte2084", "bt2020nc", "tv")
SMALL = ("prores-lt", "prores-proxy", "h264", "h265-8bit")
"""Codecs of previews and offline cuts, which lose more."""


def moving(index: int, width: int = WIDTH, height: int = HEIGHT) -> Picture:
    """A picture without edges, so that codecs show their levels and not their blocks; each frame differs."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    return np.stack([x / width, y / height, np.full_like(x, 0.2 + 0.2 * index)], axis=-1)


def write(path: Path, spec: OutputSpec, alpha: np.ndarray | None = None) -> None:
    with open_writer(path, spec) as writer:
        for index in range(FRAMES):
            writer.write(moving(index, spec.width, spec.height), alpha)


def pictures(path: Path) -> list[Picture]:
    with open_reader(probe(path)) as reader:
        return [frame.picture for frame in reader]


@pytest.mark.parametrize(("codec", "suffix"), MOVIES, ids=NAMES)
def test_everything_is_kept(codec: CodecInfo, suffix: str, tmp_path: Path) -> None:
    path, alpha = tmp_path / f"o{suffix}", np.tile(np.linspace(0, 1, WIDTH, dtype=np.float32), (HEIGHT, 1))
    spec = OutputSpec(
        WIDTH, HEIGHT, Fraction(24000, 1001), codec.name, Fraction(16, 15), COLOUR, "10:00:59:22",
        provenance={"answerprint_model": "tiny ü"}, alpha=codec.alpha_format is not None,
    )  # fmt: skip
    write(path, spec, alpha)
    info = probe(path)
    assert (info.width, info.height, info.frames, info.rate) == (WIDTH, HEIGHT, FRAMES, Fraction(24000, 1001))
    assert (info.sample_aspect, info.start_timecode) == (Fraction(16, 15), "10:00:59:22")
    kept = COLOUR if codec.is_yuv else replace(COLOUR, matrix="gbr", range="pc")
    assert info.colour == (kept if suffix != ".mxf" or codec.is_yuv else replace(kept, range="unknown"))
    assert info.has_alpha is (codec.alpha_format is not None)
    assert info.bit_depth >= codec.bits
    assert info.codec == (codec.coding or codec.encoder)
    assert read_provenance(path) == {"answerprint_model": "tiny ü"}
    with av.open(str(path)) as container:
        assert codec.profile in ("", container.streams.video[0].profile)
    with open_reader(info) as reader:
        for index, frame in enumerate(reader):
            assert np.abs(frame.picture - moving(index)).mean() < (0.02 if codec.name in SMALL else 0.008)
            if frame.alpha is not None:
                np.testing.assert_allclose(frame.alpha, alpha, atol=0.001)


@pytest.mark.parametrize(("codec", "suffix"), MOVIES, ids=NAMES)
def test_frames_of_joinable_codecs_are_copied_as_they_are(codec: CodecInfo, suffix: str, tmp_path: Path) -> None:
    path, joined = tmp_path / f"o{suffix}", tmp_path / f"joined{suffix}"
    spec = OutputSpec(WIDTH, HEIGHT, Fraction(25), codec.name, colour=COLOUR)
    write(path, spec)
    with open_writer(joined, spec) as writer:
        assert isinstance(writer, MovieWriter)
        if not codec.can_join:
            with pytest.raises(OutputError, match="cannot be joined"):
                writer.copy(path, FrameRange(1, 3))
            writer.write(moving(0))
            return
        writer.copy(path, FrameRange(1, 3))
        writer.copy(path, FrameRange(0, 1))
    before, after = pictures(path), pictures(joined)
    np.testing.assert_array_equal(after, [before[1], before[2], before[0]])
    assert probe(joined).colour == probe(path).colour


def test_a_part_of_another_profile_is_not_joined(tmp_path: Path) -> None:
    write(tmp_path / "hq.mov", OutputSpec(WIDTH, HEIGHT, Fraction(25), "dnxhr-hq"))
    with (
        pytest.raises(OutputError, match="another codec"),
        open_writer(tmp_path / "o.mov", OutputSpec(WIDTH, HEIGHT, Fraction(25), "dnxhr-hqx")) as writer,
    ):
        assert isinstance(writer, MovieWriter)
        writer.copy(tmp_path / "hq.mov", FrameRange(0, 1))


@pytest.mark.parametrize("matrix", ["bt709", "smpte170m", "bt2020nc"])
@pytest.mark.parametrize("name", ["o.mov", "o.mxf"])
def test_dnxhr_is_read_with_the_matrix_that_was_used(matrix: str, name: str, tmp_path: Path) -> None:
    spec = OutputSpec(WIDTH, HEIGHT, Fraction(25), "dnxhr-hqx", colour=ColourTags(matrix=matrix, range="tv"))
    write(tmp_path / name, spec)
    found = probe(tmp_path / name).colour.matrix
    assert MATRIX_WEIGHTS[found] == MATRIX_WEIGHTS[matrix]  # MXF has one name for both of BT.601


@pytest.mark.parametrize(("codec", "name", "least"), [("dnxhr-hqx", "o.mxf", "256x120"), ("h265", "o.mp4", "64x64")])
def test_a_picture_too_small_for_the_codec_is_refused(codec: str, name: str, least: str, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=f"at least {least}"):
        open_writer(tmp_path / name, OutputSpec(64, 48, Fraction(25), codec))


@pytest.mark.parametrize("codec", ["h264", "h265"])
@pytest.mark.parametrize("frames", [1, 2])
def test_a_clip_shorter_than_the_encoder_reorders_has_its_times(codec: str, frames: int, tmp_path: Path) -> None:
    path = tmp_path / "o.mp4"
    with open_writer(path, OutputSpec(64, 64, Fraction(25), codec)) as writer:
        for index in range(frames):
            writer.write(moving(index, 64, 64))
    with av.open(str(path)) as container:
        times = [(packet.pts, packet.dts) for packet in container.demux(video=0) if packet.size]
    assert len(times) == frames
    assert all(dts is not None and pts is not None and dts <= pts < 2**20 for pts, dts in times)


@pytest.mark.parametrize("codec", ["prores4444", "ffv1", "png", "tiff", "exr"])
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (3, 300)])
def test_the_smallest_pictures_are_written(codec: str, size: tuple[int, int], tmp_path: Path) -> None:
    suffix = CODECS[codec].suffixes[0]
    path = tmp_path / (f"o.%d{suffix}" if CODECS[codec].is_sequence else f"o{suffix}")
    write(path, OutputSpec(*size, Fraction(25), codec))
    assert len(pictures(path)) == FRAMES
    if codec != "prores4444":
        np.testing.assert_allclose(pictures(path)[1], np.clip(moving(1, *size), 0, 1), atol=1 / 200)
