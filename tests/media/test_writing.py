"""Writing: what went in comes out, and nothing stands under the final name that is not finished."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from answerprint.errors import OutputError, StorageError
from answerprint.frames import ClipInfo, ColourTags, FrameRange, OutputSpec, Picture
from answerprint.media import Hooks, open_reader, open_writer, probe
from answerprint.store import atomic
from media.makers import make_movie, number_in, numbered

NAMES = {
    "prores4444": "o.mov",
    "prores-hq": "o.mov",
    "ffv1": "o.mkv",
    "h264": "o.mp4",
    "png": "o.%04d.png",
    "tiff": "o.%04d.tif",
    "exr": "o.%04d.exr",
}
MOVIES = sorted(codec for codec, name in NAMES.items() if "%" not in name)
SEQUENCES = sorted(codec for codec, name in NAMES.items() if "%" in name)


def spec(codec: str, width: int = 64, height: int = 48, rate: Fraction = Fraction(24000, 1001)) -> OutputSpec:
    return OutputSpec(width, height, rate, codec)


def smooth(index: int, width: int = 64, height: int = 48) -> Picture:
    """A picture without edges, so that codecs show their levels and not their blocks."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    return np.stack([x / width, y / height, np.full_like(x, 0.25 + 0.05 * index)], axis=-1)


def write(path: Path, wanted: OutputSpec, pictures: list[Picture], alpha: Picture | None = None) -> ClipInfo:
    with open_writer(path, wanted) as writer:
        for picture in pictures:
            writer.write(picture, alpha)
    return probe(path)


def read(info: ClipInfo) -> list[Picture]:
    with open_reader(info) as reader:
        return [frame.picture for frame in reader]


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


# Mean absolute error in 0..1: exact to half a 16-bit code, a 10-bit codec, an 8-bit preview with halved chroma;
# floats are as they were.
TOLERANCE = {"ffv1": 1e-5, "png": 1e-5, "tiff": 1e-5, "exr": 0, "prores4444": 0.002, "prores-hq": 0.004, "h264": 0.012}


@pytest.mark.parametrize("codec", sorted(NAMES))
def test_pictures_come_back_in_order_with_their_colours(tmp_path: Path, codec: str) -> None:
    pictures = [smooth(index) for index in range(5)]
    info = write(tmp_path / NAMES[codec], spec(codec), pictures)
    back = read(info)
    assert len(back) == 5
    for wanted, got in zip(pictures, back, strict=True):
        assert np.abs(wanted - got).mean() <= TOLERANCE[codec]


@pytest.mark.parametrize("codec", ["ffv1", *SEQUENCES])
def test_sixteen_bits_survive_bit_for_bit(tmp_path: Path, codec: str) -> None:
    codes = np.random.default_rng(0).integers(0, 65536, (48, 64, 3)).astype(np.uint16)
    codes[0, 0] = (0, 65535, 32768)
    info = write(tmp_path / NAMES[codec], spec(codec), [codes.astype(np.float32) / np.float32(65535)])
    np.testing.assert_array_equal(np.rint(read(info)[0] * 65535).astype(np.uint16), codes)


@pytest.mark.parametrize("matrix", ["bt709", "smpte170m", "bt2020nc"])
def test_a_round_trip_through_a_matrix_stays_within_ten_bits(tmp_path: Path, matrix: str) -> None:
    picture = smooth(0)
    wanted = replace(spec("prores4444"), colour=ColourTags("bt709", "bt709", matrix, "tv"))
    back = read(write(tmp_path / "o.mov", wanted, [picture]))[0]
    assert np.abs(back - picture).mean() < 0.002


def test_super_white_survives_a_round_trip(tmp_path: Path) -> None:
    picture = np.full((48, 64, 3), 1.05, np.float32)
    picture[:, :32] = -0.04
    back = read(write(tmp_path / "o.mov", spec("prores4444"), [picture]))[0]
    np.testing.assert_allclose(back[:, 48:], 1.05, atol=0.01)
    np.testing.assert_allclose(back[:, :16], -0.04, atol=0.01)


@pytest.mark.parametrize("codec", ["prores4444", "prores-hq", "h264"])
def test_tags_stand_on_the_stream_and_on_the_frames(tmp_path: Path, codec: str) -> None:
    colour = ColourTags("bt2020", "smpte2084", "bt2020nc", "pc")
    path = tmp_path / NAMES[codec]
    info = write(path, replace(spec(codec), colour=colour), [smooth(0)])
    assert info.colour == replace(colour, range="tv")  # these codecs are written in studio range
    with av.open(str(path)) as container:
        context = container.streams.video[0].codec_context
        stream_tags = (context.color_primaries, context.color_trc, context.colorspace)
    assert [int(tag) for tag in stream_tags] == [9, 16, 9]


def test_an_untagged_source_gets_the_matrix_that_was_really_used(tmp_path: Path) -> None:
    assert write(tmp_path / "o.mov", spec("prores4444"), [smooth(0)]).colour.matrix == "smpte170m"
    large = write(tmp_path / "l.mov", spec("prores4444", 64, 720), [smooth(0, 64, 720)])
    assert large.colour.matrix == "bt709"


@pytest.mark.parametrize("codec", MOVIES)
@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(25), Fraction(60000, 1001)])
def test_rate_and_sample_aspect_are_kept(tmp_path: Path, codec: str, rate: Fraction) -> None:
    wanted = replace(spec(codec, rate=rate), sample_aspect=Fraction(16, 15))
    info = write(tmp_path / NAMES[codec], wanted, [smooth(index) for index in range(3)])
    assert (info.rate, info.sample_aspect, info.frames) == (rate, Fraction(16, 15), 3)


@pytest.mark.parametrize("aspect", [Fraction(128, 117), Fraction(8, 9), Fraction(4, 3), Fraction(59, 54)])
def test_any_sample_aspect_fits_into_matroska(tmp_path: Path, aspect: Fraction) -> None:
    info = write(tmp_path / "o.mkv", replace(spec("ffv1", 176, 144), sample_aspect=aspect), [smooth(0, 176, 144)])
    assert info.sample_aspect == aspect


@pytest.mark.parametrize("codec", MOVIES)
def test_the_timecode_of_the_first_frame_is_start_plus_in_point(tmp_path: Path, codec: str) -> None:
    clip = ClipInfo(Path("/c.mov"), "file", 64, 48, Fraction(30000, 1001), 99, start_timecode="01:00:59;28")
    wanted = OutputSpec.for_clip(clip, FrameRange(3, 9), codec)
    assert wanted.start_timecode == "01:01:00;03"
    assert write(tmp_path / NAMES[codec], wanted, [smooth(0)]).start_timecode == "01:01:00;03"


@pytest.mark.parametrize("codec", MOVIES)
def test_provenance_is_in_the_metadata(tmp_path: Path, codec: str) -> None:
    path = tmp_path / NAMES[codec]
    write(path, replace(spec(codec), provenance={"answerprint.model": "tiny-x4 ü"}), [smooth(0)])
    with av.open(str(path)) as container:
        found = {key.lower(): value for key, value in container.metadata.items()}
    assert found["answerprint.model"] == "tiny-x4 ü"


def test_provenance_is_in_every_png(tmp_path: Path) -> None:
    write(tmp_path / "o.%04d.png", replace(spec("png"), provenance={"answerprint.model": "tiny"}), [smooth(0)])
    assert b"iTXtanswerprint.model\0\0\0\0\0tiny" in (tmp_path / "o.0000.png").read_bytes()


@pytest.mark.parametrize("codec", ["prores4444", "ffv1", *SEQUENCES])
def test_alpha_is_kept(tmp_path: Path, codec: str) -> None:
    alpha = np.tile(np.linspace(0, 1, 64, dtype=np.float32), (48, 1))
    info = write(tmp_path / NAMES[codec], replace(spec(codec), alpha=True), [smooth(0)], alpha)
    assert info.has_alpha
    with open_reader(info) as reader:
        got = next(reader).alpha
    assert got is not None
    np.testing.assert_allclose(got, alpha, atol=0.001)


@pytest.mark.parametrize("codec", ["prores4444", "prores-hq", "ffv1", *SEQUENCES])
def test_odd_sizes_are_kept(tmp_path: Path, codec: str) -> None:
    picture = smooth(0, 63, 47)
    info = write(tmp_path / NAMES[codec], spec(codec, 63, 47), [picture])
    assert (info.width, info.height) == (63, 47)
    assert np.abs(read(info)[0] - picture).mean() < 0.006


def test_a_preview_of_odd_size_is_refused_not_cropped(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="even") as caught:
        open_writer(tmp_path / "o.mp4", spec("h264", 63, 47))
    assert "64x48" in caught.value.remedy


@pytest.mark.parametrize("codec", SEQUENCES)
def test_sequences_are_numbered_as_their_source(tmp_path: Path, codec: str) -> None:
    clip = ClipInfo(Path("/p"), "sequence", 64, 48, Fraction(24), 99, start_number=1001)
    wanted = OutputSpec.for_clip(clip, FrameRange(10, 13), codec)
    write(tmp_path / NAMES[codec], wanted, [smooth(index) for index in range(3)])
    assert names(tmp_path) == [NAMES[codec] % number for number in (1011, 1012, 1013)]


@pytest.mark.parametrize("codec", sorted(NAMES))
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_exception_in_the_middle_leaves_nothing(tmp_path: Path, codec: str, error: type[BaseException]) -> None:
    with pytest.raises(error), open_writer(tmp_path / NAMES[codec], spec(codec)) as writer:
        writer.write(smooth(0))
        assert all(name.startswith(".") for name in names(tmp_path))  # hidden until it is whole
        raise error
    assert names(tmp_path) == []


@pytest.mark.parametrize("codec", ["ffv1", *SEQUENCES])
def test_a_full_disk_at_the_end_leaves_nothing_and_a_second_try_works(
    tmp_path: Path, codec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", full)
        with pytest.raises(StorageError, match="full") as caught:
            write(tmp_path / NAMES[codec], spec(codec), [smooth(0), smooth(1)])
        assert "space" in caught.value.remedy
    assert names(tmp_path) == []
    assert write(tmp_path / NAMES[codec], spec(codec), [smooth(0), smooth(1)]).frames == 2


@pytest.mark.parametrize("codec", SEQUENCES)
def test_a_sequence_that_cannot_be_published_whole_is_taken_back(tmp_path: Path, codec: str) -> None:
    mine = tmp_path / (NAMES[codec] % 2)
    mine.write_bytes(b"mine")
    with pytest.raises(OutputError, match="exists"):
        write(tmp_path / NAMES[codec], spec(codec), [smooth(index) for index in range(4)])
    assert names(tmp_path) == [mine.name]
    assert mine.read_bytes() == b"mine"


@pytest.mark.parametrize("codec", SEQUENCES)
def test_overwrite_replaces_pictures_of_a_sequence_once_all_are_whole(tmp_path: Path, codec: str) -> None:
    path, wanted = tmp_path / NAMES[codec], replace(spec(codec), overwrite=True)
    old = tmp_path / (NAMES[codec] % 0)
    old.write_bytes(b"old")
    with pytest.raises(RuntimeError), open_writer(path, wanted) as writer:
        writer.write(smooth(0))
        raise RuntimeError
    assert names(tmp_path) == [old.name]
    assert old.read_bytes() == b"old"
    assert write(path, wanted, [smooth(0), smooth(1)]).frames == 2


def test_a_file_that_appears_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "o.mkv"
    with pytest.raises(OutputError, match="exists"), open_writer(path, spec("ffv1")) as writer:
        writer.write(smooth(0))
        path.write_bytes(b"mine")
    assert path.read_bytes() == b"mine"
    assert names(tmp_path) == ["o.mkv"]


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps a folder's name while a file in it is open")
@pytest.mark.parametrize("codec", sorted(NAMES))
@pytest.mark.parametrize("moment", ["open", "confirm"])
def test_a_folder_swapped_for_the_sources_while_it_is_written_to_costs_the_source_nothing(
    tmp_path: Path, codec: str, moment: str
) -> None:
    """Somebody who may rename the output's folder has the program replace files that only its user may write."""
    mine, out = tmp_path / "mine", tmp_path / "out"
    mine.mkdir()
    out.mkdir()
    source = mine / (NAMES[codec] % 0 if "%" in NAMES[codec] else NAMES[codec])
    source.write_bytes(b"the source")

    def swap() -> None:
        out.rename(tmp_path / "real")
        out.symlink_to(mine)

    hooks = Hooks(confirm=swap) if moment == "confirm" else Hooks()
    wanted = replace(spec(codec), overwrite=True, sources=(source,))
    with (
        pytest.raises(OutputError, match="moved or replaced"),
        open_writer(out / NAMES[codec], wanted, hooks) as writer,
    ):
        if moment == "open":
            swap()
        writer.write(smooth(0))
    assert source.read_bytes() == b"the source"
    assert names(mine) == [source.name]
    assert names(tmp_path / "real") == []


@pytest.mark.parametrize("codec", sorted(NAMES))
@pytest.mark.parametrize("link", ["itself", "hard", "symbolic"])
def test_what_becomes_the_source_while_it_is_written_is_not_replaced(tmp_path: Path, codec: str, link: str) -> None:
    mine = tmp_path / "mine"
    mine.write_bytes(b"the source")
    source = mine
    with (
        pytest.raises(OutputError, match="source itself"),
        open_writer(tmp_path / NAMES[codec], replace(spec(codec), overwrite=True, sources=(source,))) as writer,
    ):
        writer.write(smooth(0))
        final = tmp_path / (NAMES[codec] % 0 if "%" in NAMES[codec] else NAMES[codec])
        if link == "hard":
            final.hardlink_to(mine)
        elif link == "symbolic":
            final.symlink_to(mine)
        else:
            final.hardlink_to(mine)
            mine.unlink()
            mine.symlink_to(final)
    assert final.read_bytes() == b"the source"
    assert names(tmp_path) == sorted(["mine", final.name])


def test_overwrite_keeps_the_old_file_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "o.mkv"
    path.write_bytes(b"old")
    wanted = replace(spec("ffv1"), overwrite=True)
    with pytest.raises(RuntimeError), open_writer(path, wanted) as writer:
        writer.write(smooth(0))
        raise RuntimeError
    assert path.read_bytes() == b"old"
    assert write(path, wanted, [smooth(0)]).frames == 1


def test_no_frame_at_all_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="No frame"):
        write(tmp_path / "o.mov", spec("prores4444"), [])
    assert names(tmp_path) == []


def test_values_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="not numbers"):
        write(tmp_path / "o.mov", spec("prores4444"), [np.full((48, 64, 3), np.nan, np.float32)])
    assert names(tmp_path) == []


def test_the_same_pictures_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.mkv", "b.mkv"):
        write(tmp_path / name, spec("ffv1"), [smooth(index) for index in range(3)])
    first, second = (read(probe(tmp_path / name)) for name in ("a.mkv", "b.mkv"))
    np.testing.assert_array_equal(first, second)


def test_a_clip_goes_through_with_every_frame_in_its_place(tmp_path: Path) -> None:
    source = probe(make_movie(tmp_path / "in.mp4", 40, options={"g": "9", "bf": "2"}, timecode="10:00:00:00"))
    frames = FrameRange(17, 29)
    wanted = OutputSpec.for_clip(source, frames, "prores4444")
    with open_reader(source, frames) as reader, open_writer(tmp_path / "out.mov", wanted) as writer:
        for frame in reader:
            writer.write(frame.picture, frame.alpha)
    result = probe(tmp_path / "out.mov")
    assert [number_in(picture) for picture in read(result)] == list(range(17, 29))
    assert (result.rate, result.start_timecode) == (Fraction(25), "10:00:00:17")
    assert numbered(5).shape == (48, 64)


def test_temporary_files_come_from_the_store(tmp_path: Path) -> None:
    with open_writer(tmp_path / "o.mkv", spec("ffv1")) as writer:
        assert [name.startswith(atomic.TEMPORARY_PREFIX) for name in names(tmp_path)] == [True]
        writer.write(smooth(0))
