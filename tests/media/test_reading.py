"""Reading: frame N is frame N, and its numbers are the file's own."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from answerprint.errors import InputError, MediaError
from answerprint.frames import ColourTags, FrameRange, Picture
from answerprint.frames.grid import grid_of
from answerprint.media import open_reader, probe, timeline
from answerprint.media.pixels import decode_pixels
from media.makers import fill, make_movie, make_png, number_in, numbered_frame

Codes = NDArray[np.generic]

OPEN_GOP = {"g": "12", "bf": "3", "x264-params": "open-gop=1:keyint=12:min-keyint=12:scenecut=0"}
CLOSED_GOP = {"g": "7", "bf": "2"}


def numbers(path: Path, frames: FrameRange | None = None) -> list[tuple[int, int]]:
    """The index given to each frame, and the number in its picture."""
    with open_reader(probe(path), frames) as reader:
        return [(frame.index, number_in(frame.picture)) for frame in reader]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov", ".ts", ".avi"])
@pytest.mark.parametrize("options", [OPEN_GOP, CLOSED_GOP], ids=["open", "closed"])
def test_a_range_gives_exactly_its_frames(tmp_path: Path, suffix: str, options: dict[str, str]) -> None:
    path = make_movie(tmp_path / f"clip{suffix}", 60, options=options)
    assert probe(path).frames == 60
    for start, stop in [(0, 60), (11, 15), (12, 13), (23, 26), (47, 60), (59, 60)]:
        assert numbers(path, FrameRange(start, stop)) == [(n, n) for n in range(start, stop)]


def test_an_intra_codec_is_read_frame_by_frame(tmp_path: Path) -> None:
    path = make_movie(tmp_path / "clip.mov", [to_ten_bits(n) for n in range(20)], codec="prores_ks")
    assert numbers(path, FrameRange(13, 17)) == [(n, n) for n in range(13, 17)]


def to_ten_bits(index: int) -> VideoFrame:
    return numbered_frame(index).reformat(format="yuv422p10le")


def test_raw_video_without_times_is_counted(tmp_path: Path) -> None:
    path = make_movie(tmp_path / "clip.h264", 20, options=CLOSED_GOP)
    assert numbers(path, FrameRange(9, 12)) == [(9, 9), (10, 10), (11, 11)]


def test_an_edit_list_hides_frames_and_the_rest_are_numbered_from_zero(tmp_path: Path) -> None:
    # A movie whose times begin at -5 gets an edit list that starts at 0: five frames are stored and never shown.
    path = make_movie(tmp_path / "clip.mp4", 30, options=CLOSED_GOP, times=lambda n: n - 5)
    info = probe(path)
    shown = numbers(path)
    assert len(shown) == info.frames
    first = shown[0][1]
    assert shown == [(n, n + first) for n in range(30 - first)]
    assert numbers(path, FrameRange(9, 12)) == shown[9:12]


@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(30000, 1001), Fraction(25), Fraction(60)])
@pytest.mark.parametrize("suffix", [".mov", ".mkv"])
def test_the_rate_is_exact(tmp_path: Path, rate: Fraction, suffix: str) -> None:
    assert probe(make_movie(tmp_path / f"clip{suffix}", 30, rate=rate)).rate == rate


def test_a_pause_and_a_cut_of_an_edit_list_do_not_look_like_a_missing_end(tmp_path: Path) -> None:
    path = make_movie(tmp_path / "in.mov", 20, codec="mpeg4", options={"g": "1"}, times=lambda n: n + 5)
    data = bytearray(path.read_bytes())
    at = data.index(b"elst") + 8
    pause, shown = (struct.unpack_from(">IiI", data, at + 4 + 12 * place) for place in range(2))
    assert (struct.unpack_from(">I", data, at), pause[1], shown[1]) == ((2,), -1, 0)
    struct.pack_into(">Ii", data, at + 16, shown[0] // 2, 5 * _one_frame(path))
    path.write_bytes(data)
    assert numbers(path) == [(n, n + 5) for n in range(10)]


def _one_frame(path: Path) -> int:
    with av.open(str(path)) as container:
        return int(next(container.demux(video=0)).duration or 0)


def test_pictures_one_unit_of_time_apart_do_not_make_a_rate() -> None:
    pts = [first + step for first in range(0, 300_000, 6000) for step in (0, 1)]
    assert grid_of(pts, Fraction(1, 90_000), [Fraction(30)], 0).rate == 30


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_variable_frame_rate_is_refused(tmp_path: Path, suffix: str) -> None:
    path = make_movie(tmp_path / f"clip{suffix}", 12, times=lambda n: n * n)
    with pytest.raises(MediaError, match=r"variable frame rate.*12 pictures"):
        open_reader(probe(path))


def test_what_must_survive_is_probed(tmp_path: Path) -> None:
    path = make_movie(
        tmp_path / "clip.mov",
        rate=Fraction(30000, 1001),
        aspect=Fraction(8, 9),
        tags=(6, 6, 6, 1),
        timecode="01:00:59;28",
        sound="pcm_s16le",
    )
    info = probe(str(path))
    assert info.colour == ColourTags("smpte170m", "smpte170m", "smpte170m", "tv")
    assert (info.sample_aspect, info.start_timecode, info.has_audio) == (Fraction(8, 9), "01:00:59;28", True)
    assert (info.width, info.height, info.bit_depth, info.kind, info.has_alpha) == (64, 48, 8, "file", False)


def lossless(path: Path, pixel_format: str, planes: Sequence[Codes], tags: tuple[int, int, int, int]) -> Path:
    """One frame of the given code values, in a codec that keeps them."""
    frame = VideoFrame(planes[0].shape[1], planes[0].shape[0], pixel_format)
    for index, plane in enumerate(planes):
        fill(frame, index, plane)
    frame.color_range, frame.colorspace = tags[3], tags[2]
    return make_movie(path, [frame], codec="ffv1", tags=tags)


def first_picture(path: Path) -> Picture:
    with open_reader(probe(path)) as reader:
        return next(reader).picture


def test_ten_bits_stay_apart(tmp_path: Path) -> None:
    luma = np.tile(np.arange(64, 64 + 876, dtype=np.uint16), (48, 1))  # every code from black to white
    grey = np.full((48, 876), 512, np.uint16)
    path = lossless(tmp_path / "a.mkv", "yuv444p10le", [luma, grey, grey], (1, 1, 1, 1))
    picture = first_picture(path)
    np.testing.assert_allclose(picture[0, :, 1], np.arange(876) / 876, atol=1e-6)


def test_super_white_and_sub_black_survive(tmp_path: Path) -> None:
    luma = np.full((48, 64), 1000, np.uint16)
    luma[:, :32] = 4
    grey = np.full((48, 64), 512, np.uint16)
    picture = first_picture(lossless(tmp_path / "a.mkv", "yuv444p10le", [luma, grey, grey], (1, 1, 1, 1)))
    np.testing.assert_allclose(picture[:, 32:], (1000 - 64) / 876, atol=1e-5)
    np.testing.assert_allclose(picture[:, :32], (4 - 64) / 876, atol=1e-5)


# Code values of 100 % red of 8-bit studio range: BT.709 from SMPTE RP 219, BT.601 from EBU Tech 3280, BT.2020 by
# the equations of BT.2087; rounded to whole codes, hence the tolerance.
RED = {1: (63, 102, 240), 6: (81, 90, 240), 9: (74, 97, 240)}


@pytest.mark.parametrize("matrix", sorted(RED))
def test_red_is_red_in_each_matrix(tmp_path: Path, matrix: int) -> None:
    planes = [np.full((48, 64), code, np.uint8) for code in RED[matrix]]
    picture = first_picture(lossless(tmp_path / "a.mkv", "yuv444p", planes, (1, 1, matrix, 1)))
    np.testing.assert_allclose(picture[5, 5], [1, 0, 0], atol=0.006)


def test_an_untagged_small_picture_is_taken_as_bt601_and_a_large_one_as_bt709(tmp_path: Path) -> None:
    for height, codes in ((48, RED[6]), (720, RED[1])):
        planes = [np.full((height, 64), code, np.uint8) for code in codes]
        picture = first_picture(lossless(tmp_path / f"{height}.mkv", "yuv444p", planes, (2, 2, 2, 0)))
        np.testing.assert_allclose(picture[5, 5], [1, 0, 0], atol=0.006)


def test_full_range_is_read_as_tagged(tmp_path: Path) -> None:
    planes = [np.full((48, 64), code, np.uint8) for code in (255, 128, 128)]
    picture = first_picture(lossless(tmp_path / "a.mkv", "yuv444p", planes, (1, 1, 1, 2)))
    np.testing.assert_allclose(picture, 1, atol=1e-6)


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv422p", "yuv444p", "nv12", "yuv420p10le", "yuv411p"])
def test_chroma_lies_where_the_standard_puts_it(tmp_path: Path, pixel_format: str) -> None:
    """A ramp of Cb sampled at its own places comes back as the same ramp at the places of luma."""
    fmt = av.VideoFormat(pixel_format, 64, 48)
    frame = VideoFrame(64, 48, pixel_format)
    depth = 4 if "10" in pixel_format else 1
    kind = np.uint16 if depth > 1 else np.uint8
    fill(frame, 0, np.full((48, 64), 128 * depth, kind))
    width, height = fmt.chroma_width(), fmt.chroma_height()
    x = np.arange(width) * (64 // width)  # on the first luma column
    cb = np.broadcast_to(x + 96.0, (height, width)) * depth
    cr = np.full((height, width), 128.0 * depth)
    if pixel_format == "nv12":
        fill(frame, 1, np.stack([cb, cr], axis=-1).reshape(height, -1).astype(kind))
    else:
        fill(frame, 1, cb.astype(kind))
        fill(frame, 2, cr.astype(kind))
    picture, _ = decode_pixels(frame, ColourTags(matrix="bt709", range="tv"))
    blue = picture[24, : 64 - 64 // width, 2]
    expected = (128 - 16) / 219 + 2 * (1 - 0.0722) * (np.arange(len(blue)) + 96 - 128) / 224
    np.testing.assert_allclose(blue, expected, atol=1e-5)


RARE = ["uyvy422", "yuyv422", "rgb565le", "x2rgb10le", "yuv440p10le", "gbrap10le", "rgba", "bgr24", "gray10le", "ya8"]


@pytest.mark.parametrize("pixel_format", [*RARE, "gbrpf32le", "p010le", "yuva422p10le", "nv21", "gray16be"])
def test_every_pixel_format_shows_the_same_grey(pixel_format: str) -> None:
    source = VideoFrame(64, 48, "rgb24")
    fill(source, 0, np.full((48, 64 * 3), 160, np.uint8))
    full = pixel_format.startswith(("gray", "ya"))
    frame = source.reformat(format=pixel_format, dst_color_range=2 if full else 1)
    picture, _ = decode_pixels(frame, ColourTags(matrix="smpte170m", range="unknown"))
    assert picture.dtype == np.float32
    np.testing.assert_allclose(picture[20, 20], 160 / 255, atol=0.03 if "565" in pixel_format else 0.006)


def test_a_palette_gives_its_own_colours() -> None:
    frame = VideoFrame(4, 2, "pal8")
    fill(frame, 0, np.tile(np.array([0, 1], np.uint8), (2, 2)))
    np.frombuffer(memoryview(frame.planes[1]), "<u4")[:2] = (0xFFFF0000, 0x00008000)  # red, and clear green
    picture, alpha = decode_pixels(frame, ColourTags())
    assert alpha is not None
    np.testing.assert_array_equal(picture[0, :2], np.array([[255, 0, 0], [0, 128, 0]], np.float32) / np.float32(255))
    np.testing.assert_array_equal(alpha[0, :2], [1, 0])


def test_a_png_sequence_is_read_with_all_16_bits(tmp_path: Path) -> None:
    codes = np.arange(48 * 64 * 3, dtype=np.uint16).reshape(48, 64, 3) * 7
    for number in (1001, 1002, 1003):
        make_png(tmp_path / f"p.{number}.png", codes + np.uint16(number))
    info = probe(tmp_path / "p.%04d.png", Fraction(24000, 1001))
    assert (info.kind, info.frames, info.start_number, info.rate) == ("sequence", 3, 1001, Fraction(24000, 1001))
    assert (info.bit_depth, info.has_audio) == (16, False)
    with open_reader(info, FrameRange(1, 3)) as reader:
        frames = list(reader)
    assert [frame.index for frame in frames] == [1, 2]
    np.testing.assert_array_equal(np.rint(frames[0].picture * 65535).astype(np.uint16), codes + np.uint16(1002))


@pytest.mark.parametrize(
    ("codec", "suffix", "pixel_format"),
    [("tiff", ".tif", "rgb48le"), ("dpx", ".dpx", "gbrp10le"), ("mjpeg", ".jpg", "yuvj420p")],
)
def test_other_kinds_of_pictures_are_read(tmp_path: Path, codec: str, suffix: str, pixel_format: str) -> None:
    source = VideoFrame(64, 48, "rgb24")
    fill(source, 0, np.full((48, 64 * 3), 160, np.uint8))
    for number in range(3):
        picture = source.reformat(format=pixel_format, dst_color_range=2)
        (tmp_path / f"f{number}{suffix}").write_bytes(encode_still(codec, picture))
    with open_reader(probe(tmp_path)) as reader:
        pictures = [frame.picture for frame in reader]
    assert len(pictures) == 3
    np.testing.assert_allclose(pictures[2], 160 / 255, atol=0.01)


def encode_still(codec: str, picture: VideoFrame) -> bytes:
    context = av.CodecContext.create(codec, "w")
    assert isinstance(context, VideoCodecContext)
    context.width, context.height, context.pix_fmt = picture.width, picture.height, picture.format.name
    context.time_base = Fraction(1, 25)
    picture.pts = 0
    return b"".join(bytes(packet) for packet in (*context.encode(picture), *context.encode(None)))


def test_exr_values_outside_0_to_1_survive(tmp_path: Path) -> None:
    picture = VideoFrame(16, 8, "gbrpf32le")
    for index, value in enumerate((4.5, -0.25, 0.5)):  # planes of green, blue, red
        fill(picture, index, np.full((8, 16), value, np.float32))
    (tmp_path / "a.0001.exr").write_bytes(encode_still("exr", picture))
    with open_reader(probe(tmp_path)) as reader:
        np.testing.assert_array_equal(next(reader).picture[0, 0], np.array([0.5, 4.5, -0.25], np.float32))


def test_a_range_outside_the_clip_is_refused(tmp_path: Path) -> None:
    info = probe(make_movie(tmp_path / "clip.mp4"))
    with pytest.raises(InputError, match="0:12"):
        open_reader(info, FrameRange(5, 13))


@pytest.mark.parametrize("codec", ["prores_ks", "mpeg4"])
def test_a_file_of_frames_that_stand_alone_is_counted_from_its_index(
    tmp_path: Path, codec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = "yuv422p10le" if codec == "prores_ks" else "yuv420p"
    frames = [numbered_frame(n).reformat(format=form) for n in range(20)]
    path = make_movie(tmp_path / "a.mov", frames, codec=codec, options={"g": "1"}, rate=Fraction(30000, 1001))
    read = timeline._packet_times(path)
    assert timeline._index_times(path) == read
    monkeypatch.setattr(timeline, "_packet_times", lambda *_: pytest.fail("its packets were read"))
    assert timeline.read_timeline(path).frames == 20


@pytest.mark.parametrize("name", ["a.mov", "a.mp4"])
@pytest.mark.parametrize(
    "options", [{"g": "7", "bf": "2"}, {"g": "7", "bf": "0"}, {"g": "12", "x264-params": "open-gop=1"}]
)
@pytest.mark.parametrize("rate", [Fraction(25), Fraction(30000, 1001)])
def test_a_camera_s_file_at_an_even_rate_is_counted_from_its_index(
    tmp_path: Path, name: str, options: dict[str, str], rate: Fraction, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_movie(tmp_path / name, 40, options=options, rate=rate)
    read = timeline._packet_times(path)
    assert timeline._index_times(path) == read
    monkeypatch.setattr(timeline, "_packet_times", lambda *_: pytest.fail("its packets were read"))
    assert timeline.read_timeline(path).frames == 40


@pytest.mark.parametrize("missing", [3, 20, 38])
def test_a_camera_s_file_that_leaves_a_frame_out_is_not_counted_from_its_index(tmp_path: Path, missing: int) -> None:
    path = make_movie(tmp_path / "a.mp4", 40, options={"g": "7", "bf": "2"}, times=lambda n: n + (n >= missing))
    assert timeline._index_times(path) is None


@pytest.mark.parametrize("suffix", ["mkv", "ts"])
def test_whoever_waits_for_a_file_without_an_index_is_told_how_far_it_is(tmp_path: Path, suffix: str) -> None:
    found: list[int] = []
    assert probe(make_movie(tmp_path / f"a.{suffix}", 20), on_read=found.append).frames == 20
    assert found == list(range(1, 21))

    def refuse(frames: int) -> None:
        raise KeyError("nobody waits any more")

    with pytest.raises(KeyError, match="nobody waits"):
        probe(tmp_path / f"a.{suffix}", on_read=refuse)


def test_a_file_that_was_cut_off_is_not_counted_from_its_index(tmp_path: Path) -> None:
    path = make_movie(
        tmp_path / "a.mov", 20, codec="mpeg4", options={"g": "1"}, container_options={"movflags": "faststart"}
    )
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    assert timeline._index_times(path) is None


def test_a_file_whose_index_does_not_tell_is_counted_by_its_packets(tmp_path: Path) -> None:
    path = make_movie(tmp_path / "a.mp4", 20, container_options={"movflags": "frag_keyframe+empty_moov"})
    assert timeline._index_times(path) is None
    assert timeline.read_timeline(path).frames == 20
