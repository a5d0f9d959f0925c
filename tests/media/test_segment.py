"""What a segment gives back is what was put in, to 1/32768 or exactly; anything else about it is an error."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import numpy as np
import pytest
from av.video.stream import VideoStream
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from answerprint.errors import OutputError
from answerprint.frames import Frame, Picture
from answerprint.frames.frame import Plane
from answerprint.media.segment import BLACK, WHITE, PictureDigest, SegmentReader, encode_segment, quantise_frame
from answerprint.store.receipts import ChunkReceipt, DamagedChunkError, hash_file, segment_path

RATE = Fraction(24000, 1001)
STEP = 1 / (WHITE - BLACK)


def picture(seed: int, low: float = -0.5, high: float = 1.4999, shape: tuple[int, int] = (18, 26)) -> Picture:
    return np.random.default_rng(seed).uniform(low, high, (*shape, 3)).astype(np.float32)


def clip(first: int = 40, count: int = 5, *, alpha: bool = False) -> list[Frame]:
    plane = np.random.default_rng(9).random((18, 26), np.float32)
    return [Frame(first + n, picture(n), plane if alpha else None) for n in range(count)]


def stored(frames: list[Frame], folder: Path, *, floats: bool = False) -> SegmentReader:
    path = segment_path(folder, 3)
    path.write_bytes(encode_segment(frames, RATE, floats=floats))
    return SegmentReader(folder, receipt_of(path, frames[0].index, frames[-1].index + 1))


def codes_of(frame: Frame) -> NDArray[np.uint16]:
    codes = quantise_frame(frame)
    assert codes is not None
    return codes


def assert_same_plane(one: Plane | None, other: Plane | None) -> None:
    assert (one is None) == (other is None)
    if one is not None and other is not None:
        assert np.array_equal(one, other)


def receipt_of(path: Path, first: int, stop: int) -> ChunkReceipt:
    return ChunkReceipt("job", 3, first, stop, hash_file(path), None, "")


@pytest.mark.parametrize("alpha", [False, True])
def test_frames_come_back_under_their_numbers_with_the_room_above_and_below(alpha: bool, tmp_path: Path) -> None:
    frames = clip(alpha=alpha)
    found = list(stored(frames, tmp_path).frames())
    assert [frame.index for frame in found] == [40, 41, 42, 43, 44]
    for one, other in zip(found, frames, strict=True):
        assert one.picture.dtype == np.float32
        np.testing.assert_allclose(one.picture, other.picture, atol=STEP / 2 + 1e-7)
        assert (one.alpha is None) == (other.alpha is None)
        if one.alpha is not None and other.alpha is not None:
            np.testing.assert_allclose(one.alpha, other.alpha, atol=1 / 65535)


@pytest.mark.parametrize("floats", [False, True])
@pytest.mark.parametrize("shape", [(1, 1), (9, 1), (1, 9), (2, 2), (300, 3)])
def test_the_smallest_pictures_have_segments_too(shape: tuple[int, int], floats: bool, tmp_path: Path) -> None:
    frames = [Frame(n, picture(n, shape=shape), np.full(shape, 0.5, np.float32)) for n in range(2)]
    for one, other in zip(stored(frames, tmp_path, floats=floats).frames(), frames, strict=True):
        np.testing.assert_allclose(one.picture, other.picture, atol=STEP / 2 + 1e-7)


def test_what_was_stored_once_is_stored_again_with_the_same_bits(tmp_path: Path) -> None:
    once = list(stored(clip(), tmp_path).frames())
    for frame in once:
        again = (codes_of(frame).astype(np.float32) - BLACK) / (WHITE - BLACK)
        assert np.array_equal(again, frame.picture)
    assert encode_segment(once, RATE) == encode_segment(once, RATE)


@settings(deadline=None)
@given(st.integers(0, 1023))
def test_every_code_of_ten_bits_comes_back_exactly(code: int) -> None:
    """Black and white too: they are codes of their own."""
    value = np.float32(code / 1023)
    codes = codes_of(Frame(0, np.full((1, 1, 3), value, np.float32)))
    back = (codes.astype(np.float32) - BLACK) / (WHITE - BLACK)
    assert round(float(back[0, 0, 0]) * 1023) == code
    if code in (0, 1023):
        assert float(back[0, 0, 0]) == code / 1023


bits = st.integers(0, 2**32 - 1).map(lambda word: np.uint32(word).view(np.float32)).filter(np.isfinite)


@settings(deadline=None, max_examples=30)
@given(st.lists(bits, min_size=1, max_size=8), st.booleans())
def test_every_float_comes_back_with_its_bits(values: list[np.float32], alpha: bool) -> None:
    """Also minus zero, denormal numbers, and codes of 16 bits."""
    pictures = [np.resize(np.array(values, np.float32), (18, 26, 3)), np.resize(CODES, (18, 26, 3))]
    frames = [Frame(7 + n, each, each[..., 1] if alpha else None) for n, each in enumerate(pictures)]
    with TemporaryDirectory() as folder:
        found = list(stored(frames, Path(folder), floats=True).frames())
    for one, other in zip(found, frames, strict=True):
        assert np.array_equal(one.picture.view(np.uint32), other.picture.view(np.uint32))
        assert_same_plane(one.alpha, other.alpha)


CODES = np.arange(65536, dtype=np.float32) / np.float32(65535)


@pytest.mark.parametrize("alpha", [False, True])
def test_a_value_beyond_the_room_makes_the_segment_one_of_values(alpha: bool, tmp_path: Path) -> None:
    """What came before it comes back as it would have without it."""
    frames = clip(alpha=alpha)
    alone = list(stored(frames[:3], tmp_path).frames())
    wide = picture(1, -0.4, 1.4)
    wide[0, 0] = (-0.6, 1.6, 60.0)
    frames[3] = Frame(43, wide, frames[3].alpha)
    reader = stored(frames, tmp_path)
    found = list(reader.frames())
    assert [frame.index for frame in found] == [40, 41, 42, 43, 44]
    for one, other in zip(found, [*alone, *frames[3:]], strict=True):
        assert np.array_equal(one.picture, other.picture)
        assert_same_plane(one.alpha, other.alpha)
    assert np.array_equal(reader.frame(43).picture, wide)
    assert encode_segment(frames, RATE) == encode_segment(frames, RATE)
    assert quantise_frame(Frame(0, picture(1, -0.49, 1.49))) is not None


@pytest.mark.parametrize("floats", [False, True])
def test_noise_that_takes_more_than_its_samples_comes_back_too(floats: bool, tmp_path: Path) -> None:
    """The encoder leaves rows out that have no room; it has least for pictures unlike those before."""
    rng = np.random.default_rng(2)
    frames = [
        Frame(0, np.full((40, 480, 3), 0.5, np.float32), np.ones((40, 480), np.float32)),
        Frame(1, rng.random((40, 480, 3), np.float32), rng.random((40, 480), np.float32)),
    ]
    for one, other in zip(stored(frames, tmp_path, floats=floats).frames(), frames, strict=True):
        if floats:
            assert np.array_equal(one.picture, other.picture)
            assert_same_plane(one.alpha, other.alpha)
        else:
            assert np.array_equal(codes_of(one), codes_of(other))


def test_a_segment_of_values_with_a_picture_missing_is_damaged(tmp_path: Path) -> None:
    reader = stored(clip(), tmp_path, floats=True)
    path = tmp_path / "chunk-000003.nut"
    with pytest.raises(DamagedChunkError, match="5 of 6"):
        list(SegmentReader(tmp_path, receipt_of(path, 40, 46)).frames())
    assert len(list(reader.frames())) == 5


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers_are_refused(value: float) -> None:
    bad = picture(1)
    bad[3, 4, 1] = value
    with pytest.raises(OutputError, match="Frame 8 "):
        quantise_frame(Frame(8, bad))


def test_one_frame_is_read_without_the_others(tmp_path: Path) -> None:
    frames = clip()
    reader = stored(frames, tmp_path)
    for frame, expected in zip(frames, list(reader.frames()), strict=True):
        assert np.array_equal(reader.frame(frame.index).picture, expected.picture)
    with pytest.raises(ValueError, match="not in"):
        reader.frame(45)


def digest(frames: list[Frame]) -> str:
    of = PictureDigest()
    for frame in frames:
        of.add(codes_of(frame))
    return of.hexdigest()


def test_the_digest_is_of_the_pictures_however_they_are_cut_into_segments(tmp_path: Path) -> None:
    frames = clip()
    cut = PictureDigest()
    for part in (frames[:2], frames[2:]):
        list(stored(part, tmp_path).frames(cut))
    assert cut.hexdigest() == digest(frames)
    other = [*frames[:-1], Frame(44, frames[-1].picture + np.float32(STEP))]
    assert digest(other) != digest(frames)
    assert digest([frames[1], frames[0], *frames[2:]]) != digest(frames)


def test_the_file_says_what_its_codes_mean_and_holds_them_without_loss(tmp_path: Path) -> None:
    stored(clip(), tmp_path)
    with av.open(str(tmp_path / "chunk-000003.nut")) as container:
        told = {key.lower(): value for key, value in container.metadata.items()}
        assert told["answerprint_first"] == "40"
        assert told["answerprint_levels"] == f"{BLACK} {WHITE}"
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("ffvhuff", "yuv444p16le")
        assert stream.average_rate is not None
        assert abs(stream.average_rate - RATE) < Fraction(1, 100)
        pictures = [frame.to_ndarray(channel_last=True) for frame in container.decode(stream)]
    for found, frame in zip(pictures, clip(), strict=True):
        red, green, blue = (codes_of(frame)[..., channel].astype(int) for channel in range(3))
        wanted = np.stack([green, (blue - green + 32768) % 65536, (red - green + 32768) % 65536], -1)
        assert np.array_equal(found, wanted)


@pytest.mark.parametrize(("alpha", "form"), [(False, "gbrp16le"), (True, "gbrap16le")])
def test_a_segment_that_an_earlier_version_wrote_is_read(alpha: bool, form: str, tmp_path: Path) -> None:
    frames, path = clip(alpha=alpha), tmp_path / "chunk-000003.mkv"
    with av.open(str(path), "w", format="matroska", options={"fflags": "+bitexact"}) as container:
        container.metadata.update({"answerprint_first": "40", "answerprint_levels": f"{BLACK} {WHITE}"})
        stream = container.add_stream("ffv1", rate=RATE, options={"level": "3", "g": "1"})
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = 26, 18, form
        for number, frame in enumerate(frames):
            picture_of = av.VideoFrame.from_ndarray(codes_of(frame), format=form)
            picture_of.pts = number
            container.mux(stream.encode(picture_of))
        container.mux(stream.encode(None))
    found, now = SegmentReader(tmp_path, receipt_of(path, 40, 45)), stored(frames, tmp_path)
    for one, other in zip(found.frames(), now.frames(), strict=True):
        assert one.index == other.index and np.array_equal(one.picture, other.picture)
        assert_same_plane(one.alpha, other.alpha)


def test_a_frame_alone_takes_no_more_space_than_its_samples() -> None:
    """Grain, of which the encoder knew nothing before."""
    noise = np.random.default_rng(3).normal(0.5, 0.02, (96, 128, 3)).astype(np.float32)
    assert len(encode_segment([Frame(0, noise)], RATE)) < noise.size * 2


def harmed(data: bytes, harm: str) -> bytes:
    if harm == "cut":
        return data[: len(data) * 2 // 3]
    if harm == "bit":
        at = len(data) // 2
        return data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :]
    return b"" if harm == "empty" else b"no film at all" * 100


@pytest.mark.parametrize("harm", ["cut", "bit", "empty", "other"])
def test_a_damaged_segment_is_an_error_and_never_a_concealed_picture(harm: str, tmp_path: Path) -> None:
    reader = stored(clip(), tmp_path)
    path = tmp_path / "chunk-000003.nut"
    whole = path.read_bytes()
    path.write_bytes(harmed(whole, harm))
    with pytest.raises(DamagedChunkError):
        list(reader.frames())
    path.write_bytes(whole)
    assert len(list(reader.frames())) == 5


def test_a_segment_that_is_gone_or_of_other_frames_is_an_error(tmp_path: Path) -> None:
    reader = stored(clip(), tmp_path)
    path = tmp_path / "chunk-000003.nut"
    with pytest.raises(DamagedChunkError, match="other frames"):
        list(SegmentReader(tmp_path, receipt_of(path, 41, 46)).frames())
    with pytest.raises(DamagedChunkError, match="5 of 6"):
        list(SegmentReader(tmp_path, receipt_of(path, 40, 46)).frames())
    path.unlink()
    with pytest.raises(DamagedChunkError):
        list(reader.frames())
    with pytest.raises(DamagedChunkError):
        reader.frame(40)


def test_a_segment_without_frames_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="at least one"):
        encode_segment([], RATE)
