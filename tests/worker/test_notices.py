"""What is assumed of a source, or lost on its way, is said as a warning."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from answerprint.ipc.messages import Message
from media.makers import make_png
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
