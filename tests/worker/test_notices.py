"""What is assumed of a source, or lost on its way, is said as a warning."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from answerprint.api.job import JobEvent
from answerprint.cli.console import Console
from answerprint.cli.context import Context
from answerprint.cli.restore import report_end
from answerprint.ipc.messages import Message
from answerprint.rpc.convert_events import job_event_from, job_event_to
from answerprint.worker.mux_job import DeliverTask, deliver
from answerprint.worker.requests import JobChannel, JobControls
from media.makers import make_movie, make_png
from worker.children import JOB
from worker.rendering import Rendering


@pytest.mark.parametrize(("interpret", "warned"), [({}, True), ({"rate": "25"}, False)], ids=["assumed", "given"])
def test_an_assumed_rate_is_said_once(
    interpret: Message, warned: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANSWERPRINT_HOME", str(tmp_path / "home"))
    for number in (1, 2):
        make_png(tmp_path / f"plate.{number}.png", np.full((32, 40, 3), 9000, np.uint16))
    job = Rendering(tmp_path / "plate.%d.png", tmp_path / "scratch", {"steps": 1, "chunk": 1, "interpret": interpret})
    job.run()
    said = [event["message"] for event in job.kinds("warning") if "frame rate" in event["message"]]
    assert len(said) == warned
    first = job.chunks[0]
    job.events.clear()
    job.run(resume=first)  # as after a restart
    assert job.chunks
    assert not [event for event in job.kinds("warning") if "frame rate" in event["message"]]


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
