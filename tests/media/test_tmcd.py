from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import pytest

from answerprint.frames.timecode import Timecode
from answerprint.media import probe
from media.makers import make_movie
from media.tmcd import first_label


@pytest.mark.parametrize(
    ("rate", "label"),
    [
        (Fraction(25), "10:11:12:13"),
        (Fraction(24000, 1001), "04:18:37:13"),
        (Fraction(30000, 1001), "00:59:58;10"),
        (Fraction(30000, 1001), "01:00:00;00"),
        (Fraction(30000, 1001), "00:01:00;02"),
        (Fraction(30000, 1001), "01:00:00:00"),
        (Fraction(60000, 1001), "00:01:00;04"),
        (Fraction(50), "23:59:59:49"),
    ],
)
def test_a_timecode_track_says_what_was_written(tmp_path: Path, rate: Fraction, label: str) -> None:
    assert first_label(make_movie(tmp_path / "a.mov", 2, rate=rate, timecode=label)) == label


def test_a_file_without_a_timecode_track_has_no_label(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="no timecode track"):
        first_label(make_movie(tmp_path / "a.mov", 2))


@pytest.mark.parametrize(
    ("rate", "label", "full"),
    [
        (Fraction(50), "10:00:00:24", "10:00:00:48"),
        (Fraction(60000, 1001), "00:01:00;02", "00:01:00;04"),
        (Fraction(25), "10:00:00:24", "10:00:00:24"),
    ],
)
def test_a_track_that_counts_pairs_of_frames_is_counted_in_frames(
    tmp_path: Path, rate: Fraction, label: str, full: str
) -> None:
    path = make_movie(tmp_path / "a.mov", 4, rate=rate, timecode=label)
    data = bytearray(path.read_bytes())
    entry = data.index(b"tmcd\0\0\0\0\0\0\0\1") - 4
    flags, scale, duration, base = struct.unpack_from(">IIIB", data, entry + 20)
    if base > 30:
        struct.pack_into(">IIIB", data, entry + 20, flags, scale, 2 * duration, base // 2)
        half = Timecode.parse(label, rate / 2).frames
        (place,) = struct.unpack_from(">I", data, data.index(b"stco", entry) + 12)
        struct.pack_into(">I", data, place, half)
    path.write_bytes(data)
    assert first_label(path) == label
    assert probe(path).start_timecode == full


def test_a_timecode_that_does_not_exist_at_the_rate_is_said(tmp_path: Path) -> None:
    path = make_movie(tmp_path / "a.mkv", 2, rate=Fraction(30), timecode="01:00:00:29", codec="ffv1")
    path.write_bytes(path.read_bytes().replace(b"01:00:00:29", b"01:00:00:31"))
    assert probe(path).start_timecode is None
    assert "01:00:00:31" in " ".join(probe(path).notices)


@pytest.mark.parametrize(("second", "breaks"), [(12, []), (112, [12])], ids=["goes_on", "breaks"])
def test_a_timecode_that_breaks_inside_is_said(tmp_path: Path, second: int, breaks: list[int]) -> None:
    path = make_movie(tmp_path / "a.mov", 24, timecode="10:00:00:00")
    data = bytearray(path.read_bytes())
    track = data.rindex(b"tmcd")  # its tables follow; give each of them a second sample, which counts from `second`
    times, chunks, sizes, places = (data.index(name, track) for name in (b"stts", b"stsc", b"stsz", b"stco"))
    count, duration = struct.unpack(">II", data[times + 12 : times + 20])
    assert count == 1
    data[times + 12 : times + 20] = struct.pack(">II", 2, duration // 2)
    data[chunks + 16 : chunks + 20] = data[sizes + 12 : sizes + 16] = struct.pack(">I", 2)
    (place,) = struct.unpack(">I", data[places + 12 : places + 16])
    first = bytes(data[place : place + 4])
    data[places + 12 : places + 16] = struct.pack(">I", len(data))
    data += first + struct.pack(">I", struct.unpack(">I", first)[0] + second)
    path.write_bytes(data)
    info = probe(path)
    assert info.start_timecode == "10:00:00:00"
    assert [notice for notice in info.notices if "timecode" in notice] == [
        f"The timecode of the source breaks at frame {frame}; it counts on in the result." for frame in breaks
    ]
