from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import pytest

from answerprint.api.clip_ref import ClipRef
from answerprint.api.request import RestoreRequest
from answerprint.errors import InputError, OutputError
from answerprint.frames import FrameRange
from answerprint.media import open_reader, open_writer, probe
from answerprint.worker.join_job import JoinTask, join
from answerprint.worker.resolved_job import resolve_job
from media.makers import make_movie

SIZE = (128, 96)


def _request(source: Path, output: Path, span: str) -> RestoreRequest:
    return RestoreRequest(ClipRef(str(source), span), str(output), size=SIZE)


def _part(source: Path, output: Path, span: str) -> tuple[Path, FrameRange]:
    """A file as a job would have left it, enlarged in the simplest way."""
    order = resolve_job(_request(source, output, span))
    with open_writer(output, order.spec()) as writer, open_reader(order.info, order.frames) as reader:
        for frame in reader:
            writer.write(frame.picture.repeat(2, 0).repeat(2, 1))
    return output, order.frames


def _packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return make_movie(
        tmp_path / "s.mov", 30, codec="mpeg4", rate=Fraction(25), timecode="01:00:00:00", sound="pcm_s16le"
    )


def test_parts_become_one_file_that_is_what_one_job_would_have_written(source: Path, tmp_path: Path) -> None:
    whole, _ = _part(source, tmp_path / "whole.mov", "2:28")
    parts = [_part(source, tmp_path / f"{a}.mov", f"{a}:{b}") for a, b in ((10, 20), (2, 12), (20, 28))]
    joined = tmp_path / "joined.mov"
    final = join(JoinTask(_request(source, joined, "2:28"), tuple(parts)))
    assert (final["event"], final["frames"]) == ("done", 26)
    assert _packets(joined) == _packets(whole)
    one, other = probe(joined), probe(whole)
    assert (one.start_timecode, one.rate, one.frames) == (other.start_timecode, other.rate, other.frames)
    assert one.start_timecode == "01:00:00:02"
    assert one.has_audio


def test_a_gap_is_an_error_and_nothing_is_written(source: Path, tmp_path: Path) -> None:
    parts = (_part(source, tmp_path / "a.mov", "2:6"), _part(source, tmp_path / "b.mov", "7:10"))
    with pytest.raises(InputError, match="No part holds frame 6"):
        join(JoinTask(_request(source, tmp_path / "joined.mov", "2:10"), parts))
    assert not (tmp_path / "joined.mov").exists()


def test_a_part_of_another_size_is_refused(source: Path, tmp_path: Path) -> None:
    other = make_movie(tmp_path / "other.mov", 8, codec="mpeg4")
    with pytest.raises(OutputError, match="another kind"):
        join(JoinTask(_request(source, tmp_path / "joined.mov", "0:8"), ((other, FrameRange(0, 8)),)))
    assert not (tmp_path / "joined.mov").exists()


def test_frames_that_lean_on_others_are_not_joined(source: Path, tmp_path: Path) -> None:
    part = _part(source, tmp_path / "a.mp4", "0:8")
    with pytest.raises(OutputError, match="cannot be joined"):
        join(JoinTask(_request(source, tmp_path / "joined.mp4", "0:8"), (part,)))
