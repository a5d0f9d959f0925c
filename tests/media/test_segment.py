"""What a segment gives back is what was put in, to 1/32768; anything else about it is an error."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from answerprint.errors import OutputError
from answerprint.frames import Frame, Picture
from answerprint.media.segment import BLACK, WHITE, PictureDigest, SegmentReader, encode_segment, quantise_frame
from answerprint.store.receipts import ChunkReceipt, DamagedChunkError, hash_file, segment_path

RATE = Fraction(24000, 1001)
STEP = 1 / (WHITE - BLACK)


def picture(seed: int, low: float = -0.5, high: float = 1.4999, shape: tuple[int, int] = (18, 26)) -> Picture:
    return np.random.default_rng(seed).uniform(low, high, (*shape, 3)).astype(np.float32)


def clip(first: int = 40, count: int = 5, *, alpha: bool = False) -> list[Frame]:
    plane = np.random.default_rng(9).random((18, 26), np.float32)
    return [Frame(first + n, picture(n), plane if alpha else None) for n in range(count)]


def stored(frames: list[Frame], folder: Path) -> SegmentReader:
    path = segment_path(folder, 3)
    path.write_bytes(encode_segment(frames, RATE).data)
    return SegmentReader(folder, receipt_of(path, frames[0].index, frames[-1].index + 1))


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


def test_what_was_stored_once_is_stored_again_with_the_same_bits(tmp_path: Path) -> None:
    once = list(stored(clip(), tmp_path).frames())
    for frame in once:
        codes, clamped = quantise_frame(frame)
        again = (codes.astype(np.float32) - BLACK) / (WHITE - BLACK)
        assert clamped == 0
        assert np.array_equal(again, frame.picture)
    assert encode_segment(once, RATE).data == encode_segment(once, RATE).data


@settings(deadline=None)
@given(st.integers(0, 1023))
def test_every_code_of_ten_bits_comes_back_exactly(code: int) -> None:
    """Black and white too: they are codes of their own."""
    value = np.float32(code / 1023)
    codes, _ = quantise_frame(Frame(0, np.full((1, 1, 3), value, np.float32)))
    back = (codes.astype(np.float32) - BLACK) / (WHITE - BLACK)
    assert round(float(back[0, 0, 0]) * 1023) == code
    if code in (0, 1023):
        assert float(back[0, 0, 0]) == code / 1023


def test_values_beyond_the_room_are_clamped_and_counted() -> None:
    wide = picture(1, -0.4, 1.4)
    wide[0, 0] = (-0.6, 1.6, 9.0)
    codes, clamped = quantise_frame(Frame(0, wide))
    assert clamped == 3
    assert codes[0, 0].tolist() == [0, 65535, 65535]
    assert encode_segment([Frame(0, wide), Frame(1, wide)], RATE).clamped == 6
    assert encode_segment([Frame(0, picture(1, -0.49, 1.49))], RATE).clamped == 0


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
        of.add(quantise_frame(frame)[0])
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


def test_the_file_says_what_its_codes_mean_and_is_lossless_in_any_player(tmp_path: Path) -> None:
    stored(clip(), tmp_path)
    with av.open(str(tmp_path / "chunk-000003.mkv")) as container:
        told = {key.lower(): value for key, value in container.metadata.items()}
        assert told["answerprint_first"] == "40"
        assert told["answerprint_levels"] == f"{BLACK} {WHITE}"
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("ffv1", "gbrp16le")
        assert stream.average_rate is not None
        assert abs(stream.average_rate - RATE) < Fraction(1, 100)
        pictures = [frame.to_ndarray() for frame in container.decode(stream)]
    assert all(np.array_equal(a, quantise_frame(b)[0]) for a, b in zip(pictures, clip(), strict=True))


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
    path = tmp_path / "chunk-000003.mkv"
    whole = path.read_bytes()
    path.write_bytes(harmed(whole, harm))
    with pytest.raises(DamagedChunkError):
        list(reader.frames())
    path.write_bytes(whole)
    assert len(list(reader.frames())) == 5


def test_a_segment_that_is_gone_or_of_other_frames_is_an_error(tmp_path: Path) -> None:
    reader = stored(clip(), tmp_path)
    path = tmp_path / "chunk-000003.mkv"
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
