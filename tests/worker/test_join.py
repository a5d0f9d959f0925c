from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import pytest

from answerprint.api.clip_ref import ClipRef
from answerprint.api.request import RestoreRequest
from answerprint.errors import InputError, OutputError
from answerprint.frames import FrameRange
from answerprint.ipc.messages import Message
from answerprint.media import open_reader, open_writer, probe
from answerprint.worker.mux_job import DeliverTask, deliver
from answerprint.worker.requests import JobChannel, JobControls, StopRequestedError
from answerprint.worker.resolved_job import resolve_job
from media.makers import make_movie

SIZE = (128, 96)


JOB = "0b0e9c1e-6d2f-4b3e-9a51-3f5f0d6c7a21"

Parts = Sequence[tuple[Path, FrameRange]]


def _request(source: Path, output: Path, span: str, parts: Parts = ()) -> RestoreRequest:
    held = tuple((str(path), frames) for path, frames in parts)
    return RestoreRequest(ClipRef(str(source), span), str(output), size=SIZE, parts=held)


def join(request: RestoreRequest, controls: JobControls | None = None) -> Message:
    """Do what the media child does; returns the final event. Raises what it raises."""
    told: list[Message] = []
    channel = JobChannel(lambda event: told.append(dict(event)), controls or JobControls(), {"job": JOB})
    folder = Path(request.output).with_name("scratch")
    folder.mkdir(mode=0o700, exist_ok=True)
    final = deliver(DeliverTask(JOB, RestoreRequest.from_json(request.to_json()), folder, ()), channel)
    assert [event["event"] for event in told][:2] == ["stage", "started"]
    return final


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
    request = _request(source, joined, "2:28", parts)
    final = join(request)
    assert (final["event"], final["frames"]) == ("done", 26)
    assert _packets(joined) == _packets(whole)
    one, other = probe(joined), probe(whole)
    assert (one.start_timecode, one.rate, one.frames) == (other.start_timecode, other.rate, other.frames)
    assert one.start_timecode == "01:00:00:02"
    assert one.has_audio
    written = joined.stat()
    assert join(request)["frames"] == 26
    assert (joined.stat().st_ino, joined.stat().st_mtime_ns) == (written.st_ino, written.st_mtime_ns)


def test_a_gap_is_an_error_and_nothing_is_written(source: Path, tmp_path: Path) -> None:
    parts = (_part(source, tmp_path / "a.mov", "2:6"), _part(source, tmp_path / "b.mov", "7:10"))
    with pytest.raises(InputError, match="Frame 6 is in no part"):
        join(_request(source, tmp_path / "joined.mov", "2:10", parts))
    assert not (tmp_path / "joined.mov").exists()


def test_a_part_of_another_size_is_refused(source: Path, tmp_path: Path) -> None:
    other = make_movie(tmp_path / "other.mov", 8, codec="mpeg4")
    with pytest.raises(OutputError, match="another kind"):
        join(_request(source, tmp_path / "joined.mov", "0:8", [(other, FrameRange(0, 8))]))
    assert not (tmp_path / "joined.mov").exists()


def test_frames_that_lean_on_others_are_not_joined(source: Path, tmp_path: Path) -> None:
    part = _part(source, tmp_path / "a.mp4", "0:8")
    with pytest.raises(OutputError, match="cannot be joined"):
        join(_request(source, tmp_path / "joined.mp4", "0:8", [part]))


def test_a_file_of_somebody_else_is_not_written_over(source: Path, tmp_path: Path) -> None:
    part = _part(source, tmp_path / "a.mov", "0:8")
    joined = tmp_path / "joined.mov"
    joined.write_bytes(b"not ours")
    with pytest.raises(OutputError, match="exists"):
        join(_request(source, joined, "0:8", [part]))
    assert joined.read_bytes() == b"not ours"


def test_a_join_that_is_to_stop_leaves_nothing(source: Path, tmp_path: Path) -> None:
    part = _part(source, tmp_path / "a.mov", "0:8")
    controls = JobControls()
    controls.stop.set()
    before = set(tmp_path.iterdir())
    with pytest.raises(StopRequestedError):
        join(_request(source, tmp_path / "joined.mov", "0:8", [part]), controls)
    assert set(tmp_path.iterdir()) - before == {tmp_path / "scratch"}
