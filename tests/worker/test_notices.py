"""What is assumed of a source, or lost on its way, is said as a warning."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from answerprint.api.job import JobEvent
from answerprint.api.request import RestoreRequest
from answerprint.cli.console import Console
from answerprint.cli.context import Context
from answerprint.cli.restore import report_end
from answerprint.frames.codecs import CODECS
from answerprint.ipc.messages import Message
from answerprint.media import open_writer, probe
from answerprint.media.sink import output_colour
from answerprint.rpc.convert_events import job_event_from, job_event_to
from answerprint.worker.mux_job import DeliverTask, deliver
from answerprint.worker.requests import JobChannel, JobControls
from answerprint.worker.resolved_job import resolve_job
from media.makers import make_movie, make_png, numbered_frame
from media.pictures import write_dpx
from worker.children import JOB
from worker.rendering import Rendering

GREY = np.full((32, 40, 3), 300, np.uint16)


def test_an_assumed_rate_is_said_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANSWERPRINT_HOME", str(tmp_path / "home"))
    for number in (1, 2):
        make_png(tmp_path / f"plate.{number}.png", GREY)
    job = Rendering(tmp_path / "plate.%d.png", tmp_path / "scratch", {"steps": 1, "chunk": 1})
    job.run()
    assert [event for event in job.kinds("warning") if "24 is assumed" in event["message"]]
    first = job.chunks[0]
    job.events.clear()
    job.run(resume=first)  # as after a restart
    assert job.chunks
    assert not [event for event in job.kinds("warning") if "assumed" in event["message"]]


def test_damaged_frames_are_said_when_they_are_restored_and_again_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ANSWERPRINT_HOME", str(tmp_path / "home"))
    film = tmp_path / "film.mkv"
    make_movie(film, 6, codec="ffv1", options={"level": "3", "slicecrc": "1", "g": "1"})
    data = bytearray(film.read_bytes())
    with av.open(str(film)) as container:
        packet = [bytes(each) for each in container.demux(video=0) if each.size][3]
    data[data.index(packet) + len(packet) // 2] ^= 0xFF
    film.write_bytes(data)
    job = Rendering(film, tmp_path / "scratch", {"steps": 1, "chunk": 2, "damaged": "hold", "strength": 0})
    job.run()
    assert [event["message"] for event in job.kinds("warning") if "damaged" in event["message"]] == [
        "1 frame of the source is damaged or missing: 3 (replaced by the last good frame)."
    ]
    final = deliver(
        DeliverTask(JOB, job.request, tmp_path / "scratch", tuple(job.chunks)),
        JobChannel(lambda event: None, JobControls(), {"job": JOB}),
    )
    assert final["damaged"] == [[3, 4]]
    report_end(final, Context(Console(json=False), lambda name: []))
    assert "1 frame damaged in the source: 3\n" in capsys.readouterr().out
    sent = job_event_to(JobEvent(1, 0.0, final))
    assert sent is not None
    received = job_event_from(sent)
    assert received is not None
    assert received.event["damaged"] == [[3, 4]]


@pytest.mark.parametrize(
    ("header", "settings", "said"),
    [
        ({}, {}, "24 is assumed"),
        ({}, {"interpret": {"rate": "25"}}, ""),
        ({"rate": 25.0}, {}, ""),
        ({"rate": 24.0, "timecode": 0x10000024}, {}, "10:00:00:24 of scan does not exist at 24"),
        ({"timecode": 0x10000024}, {"interpret": {"rate": "25"}}, "png pictures does not hold the timecode"),
        ({"rate": 25.0}, {"interpret": {"levels": "video"}}, "Video levels"),
        ({"rate": 25.0}, {"range": "1:2", "interpret": {"handles": "2"}}, "shorter handles"),
        ({"rate": 25.0}, {"range": "1:2", "interpret": {"handles": "1"}}, ""),
    ],
)
def test_what_is_assumed_or_lost_is_said(header: Message, settings: Message, said: str, tmp_path: Path) -> None:
    scan = tmp_path / "scan"
    scan.mkdir()
    for number in (1, 2, 3):
        write_dpx(scan / f"s.{number}.dpx", GREY, 10, **header)
    request = {"input": str(scan), "output": str(tmp_path / "o.%04d.png"), "model": "identity", **settings}
    notices = resolve_job(RestoreRequest.from_json(request)).notices
    assert len(notices) == bool(said)
    assert all(said in notice for notice in notices)


@pytest.mark.parametrize(("codec", "written"), [(None, "h265"), ("h264", "h264"), ("like-source", "h264-10bit")])
def test_a_deep_source_is_not_cut_to_eight_bits_without_a_word(codec: str | None, written: str, tmp_path: Path) -> None:
    frames = [numbered_frame(index, 64, 64).reformat(format="yuv420p10le") for index in range(2)]
    film = make_movie(tmp_path / "film.mp4", frames, tags=(9, 16, 9, 1))
    request = {"input": str(film), "output": str(tmp_path / "o.mp4"), "model": "identity", "codec": codec}
    resolved = resolve_job(RestoreRequest.from_json(request))
    assert resolved.codec == written
    assert any(("PQ" in notice or "the result is h264-10bit" in notice) for notice in resolved.notices)
    with open_writer(tmp_path / "o.mp4", resolved.spec()) as writer:
        writer.write(np.full((64, 64, 3), 0.5, np.float32))
    found = probe(tmp_path / "o.mp4")
    assert (found.bit_depth, found.colour.transfer) == (8 if codec == "h264" else 10, "smpte2084")


@pytest.mark.parametrize(
    ("source", "settings", "written", "levels"),
    [
        ("yuv420p", {}, "yuv420p10le", "tv"),
        ("yuvj422p", {}, "yuv422p10le", "pc"),
        ("yuv422p12le", {}, "yuv422p12le", "tv"),
        ("yuv420p", {"strength": 0.0, "scale": "1"}, "yuv420p", "tv"),
        ("yuvj422p", {"model": "identity"}, "yuvj422p", "pc"),
    ],
)
def test_what_a_model_makes_of_eight_bits_is_written_with_ten(
    tmp_path: Path, source: str, settings: dict[str, object], written: str, levels: str
) -> None:
    codec = "mjpeg" if source.startswith("yuvj") else "ffv1"
    frames = [numbered_frame(0).reformat(format=source)]
    path = make_movie(tmp_path / "a.mkv", frames, codec=codec)
    request = {"input": str(path), "output": str(tmp_path / "b.mkv"), **settings}
    resolved = resolve_job(RestoreRequest.from_json(request))
    spec, ffv1 = resolved.spec(), CODECS["ffv1"]
    assert (spec.source_format, output_colour(spec, ffv1).range) == (written, levels)


def test_asking_for_fields_where_there_are_none_is_answered(tmp_path: Path) -> None:
    path = make_movie(tmp_path / "a.mkv", 3, codec="ffv1")
    asked = {"input": str(path), "output": str(tmp_path / "b.mkv"), "interpret": {"deinterlace": "field"}}
    (said,) = resolve_job(RestoreRequest.from_json(asked)).notices
    assert said == "No interlaced frames were found: the number of frames stays."
