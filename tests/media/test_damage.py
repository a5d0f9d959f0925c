"""Damaged films: which frames are damaged is known, numbers do not shift, and what becomes of them is as asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame

from answerprint.errors import MediaError, TruncatedError
from answerprint.frames import ClipInfo, DamagePolicy, FrameRange
from answerprint.media import open_reader, probe
from media.makers import fill, make_movie, number_in, numbered

COUNT = 24
_GOP = {"g": "8", "bf": "0"}


def _grainy(index: int, form: str) -> VideoFrame:
    """The number under grain, so that packets are long enough to be hit in the middle."""
    grain = np.random.default_rng(index).integers(0, 24, (48, 64), dtype=np.uint8)
    frame = VideoFrame(64, 48, "yuv420p")
    fill(frame, 0, numbered(index) + grain)
    for plane in (1, 2):
        fill(frame, plane, np.full((24, 32), 128, np.uint8))
    return frame.reformat(format=form)


def _hit(path: Path, number: int) -> None:
    """Invert sixteen bytes in the middle of a packet."""
    with av.open(str(path)) as container:
        packet = [bytes(each) for each in container.demux(video=0) if each.size][number]
    data = bytearray(path.read_bytes())
    middle = packet[len(packet) // 2 :][:64]
    start = data.index(middle)
    for at in range(start, start + 16):
        data[at] ^= 0xFF
    path.write_bytes(data)


def _read(info: ClipInfo, frames: FrameRange | None = None) -> tuple[list[int], list[int]]:
    """The numbers in the pictures, and the frames that are said to be damaged."""
    with open_reader(info, frames) as reader:
        shown = list(reader)
        assert [frame.index for frame in shown] == list(range(reader.range.start, reader.range.stop))
        return [number_in(frame.picture) for frame in shown], reader.damaged


# Of a picture whose damage its decoder conceals, and of one that it does not give out at all.
CONCEALED: list[tuple[str, str, str, Mapping[str, str], str]] = [
    ("ffv1", "ffv1", ".mkv", {"level": "3", "slicecrc": "1", "g": "1"}, "yuv420p"),
    ("h264", "libx264", ".mp4", _GOP | {"x264-params": "cabac=0"}, "yuv420p"),
    ("mpeg2", "mpeg2video", ".mkv", _GOP, "yuv420p"),
    ("mpeg4", "mpeg4", ".avi", {"g": "1"}, "yuv420p"),
    ("prores", "prores_ks", ".mov", {}, "yuv422p10le"),
]
LOST: list[tuple[str, str, str, Mapping[str, str], str]] = [
    ("png", "png", ".mov", {}, "rgb24"),
]


@pytest.mark.parametrize(("name", "codec", "suffix", "options", "form"), [*CONCEALED, *LOST])
def test_a_damaged_frame_is_named_and_kept_held_or_refused(
    tmp_path: Path, name: str, codec: str, suffix: str, options: dict[str, str], form: str
) -> None:
    made = [_grainy(n, form) for n in range(COUNT)]
    path = make_movie(tmp_path / f"a{suffix}", made, codec=codec, options=options)
    assert _read(probe(path))[1] == []
    _hit(path, 10)
    info = probe(path)
    assert info.frames == COUNT

    kept, damaged = _read(info)
    assert damaged == [10]
    assert kept[:10] + kept[16:] == [*range(10), *range(16, COUNT)]
    held, damaged = _read(replace(info, damaged=DamagePolicy.HOLD))
    assert (held[:11], damaged) == ([*range(10), 9], [10])
    # A range that begins there repeats what lies before it.
    assert _read(replace(info, damaged=DamagePolicy.HOLD), FrameRange(10, 11)) == ([9], [10])
    with pytest.raises(MediaError, match=r"Frame 10 .* (damaged|decoded)") as refused:
        _read(replace(info, damaged=DamagePolicy.FAIL))
    assert "--damaged" in refused.value.remedy
    assert _read(replace(info, damaged=DamagePolicy.FAIL), FrameRange(16, COUNT)) == (list(range(16, COUNT)), [])


def test_frames_that_are_lost_are_refused_if_damage_is(tmp_path: Path) -> None:
    def skipping(index: int) -> int:
        return index if index < 6 else index + 2

    info = probe(make_movie(tmp_path / "a.mkv", 12, codec="ffv1", times=skipping))
    assert info.frames == 14
    assert _read(info)[0][5:9] == [5, 5, 5, 6]
    with pytest.raises(MediaError, match=r"no picture for 2 frames: 6-7") as refused:
        _read(replace(info, damaged=DamagePolicy.FAIL))
    assert "--damaged keep" in refused.value.remedy
    assert len(_read(replace(info, damaged=DamagePolicy.FAIL), FrameRange(0, 6))[0]) == 6


def test_ffv1_that_builds_on_a_damaged_frame_is_damaged_up_to_the_next_key_frame(tmp_path: Path) -> None:
    made = [_grainy(n, "yuv420p") for n in range(COUNT)]
    path = make_movie(tmp_path / "a.mkv", made, codec="ffv1", options={"level": "3", "slicecrc": "1", "g": "8"})
    _hit(path, 10)
    info = replace(probe(path), damaged=DamagePolicy.HOLD)
    assert _read(info) == ([*range(10), *[9] * 6, *range(16, COUNT)], list(range(10, 16)))


def test_a_damaged_first_frame_does_not_shift_the_numbers(tmp_path: Path) -> None:
    made = [_grainy(n, "rgb24") for n in range(COUNT)]
    path = make_movie(tmp_path / "a.mov", made, codec="png")
    _hit(path, 0)
    info = probe(path)
    assert info.frames == COUNT
    assert _read(info) == ([1, *range(1, COUNT)], [0])  # the next one, as there is none before


@pytest.mark.parametrize(("suffix", "options"), [(".mkv", {"cluster_time_limit": "120"}), (".ts", {})])
def test_a_file_with_a_bad_stretch_is_read_around_it(tmp_path: Path, suffix: str, options: dict[str, str]) -> None:
    made = [_grainy(n, "yuv420p") for n in range(COUNT)]
    path = make_movie(
        tmp_path / f"a{suffix}", made, codec="mpeg2video", options={"g": "4", "bf": "0"}, container_options=options
    )
    data = path.read_bytes()
    middle, stretch = len(data) // 2, len(data) // 12
    path.write_bytes(data[:middle] + bytes(stretch) + data[middle + stretch :])
    info = probe(path)
    numbers, damaged = _read(info)
    held = [] if info.grid is None else [n for run in info.grid.held for n in range(run.start, run.stop)]
    assert len(numbers) == COUNT
    bad = damaged + held
    assert bad
    whole = [n for n in range(COUNT) if not min(bad) <= n < max(bad) + 4]
    assert len(whole) > COUNT // 2
    assert [numbers[n] for n in whole] == whole


def test_the_missing_end_is_held_only_if_that_is_asked(tmp_path: Path) -> None:
    made = [_grainy(n, "yuv420p") for n in range(COUNT)]
    path = make_movie(tmp_path / "a.mkv", made, codec="ffv1", options={"g": "1"})
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10])
    info = probe(path)
    assert info.frames == COUNT
    for policy in (DamagePolicy.KEEP, DamagePolicy.FAIL):
        with pytest.raises(TruncatedError, match=r"of 24 frames") as cut:
            _read(replace(info, damaged=policy))
        assert "--damaged hold" in cut.value.remedy
    numbers, damaged = _read(replace(info, damaged=DamagePolicy.HOLD))
    good = damaged[0]
    assert 10 < good < 16
    assert damaged == list(range(good, COUNT))
    assert numbers == [*range(good), *[good - 1] * (COUNT - good)]


def test_a_picture_of_a_sequence_that_cannot_be_read_is_held_only_if_that_is_asked(tmp_path: Path) -> None:
    files = [tmp_path / f"a.{n}.png" for n in range(4)]
    for n, file in enumerate(files):
        make_movie(file, [_grainy(n, "rgb24")], codec="png", container_options={"update": "1"})
    info = probe(tmp_path)
    files[2].write_bytes(files[2].read_bytes()[:60])
    with pytest.raises(TruncatedError, match="2 of 4"):
        _read(info)
    assert _read(replace(info, damaged=DamagePolicy.HOLD)) == ([0, 1, 1, 3], [2])
