"""A list from any editor, through the daemon, and the list again with the restored files in it; without Resolve."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from answerprint.media import open_reader, probe
from media.makers import make_movie, number_in

_EDL = """\
TITLE: Cut
FCM: NON-DROP FRAME

001  AX       V     C        10:00:00:05 10:00:00:10 01:00:00:00 01:00:00:05
* FROM CLIP NAME: film.mov

002  AX       V     C        10:00:00:20 10:00:01:00 01:00:00:05 01:00:00:10
* FROM CLIP NAME: film.mov

003  BL       V     C        00:00:00:00 00:00:00:05 01:00:00:10 01:00:00:15
"""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "h"
    _run(tmp_path / "h", "daemon", "stop")


def _run(home: Path, *arguments: str, code: int = 0) -> list[dict[str, Any]]:
    environment = {**os.environ, "ANSWERPRINT_HOME": str(home), "RESOLVE_SCRIPT_API": "/nowhere"}
    command = [sys.executable, "-P", "-m", "answerprint", *arguments, "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == code, done.stdout + done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.slow
def test_a_list_is_restored_and_comes_back_as_a_list_of_restored_files(home: Path, tmp_path: Path) -> None:
    media = tmp_path / "films"
    media.mkdir()
    make_movie(media / "film.mov", 50, codec="mpeg4", options={"g": "1"}, timecode="10:00:00:00")
    edl = tmp_path / "cut.edl"
    edl.write_text(_EDL)
    given = ("--from", str(edl), "--media", str(media), "--rate", "25")
    events = _run(home, "resolve", "queue", *given, "--handles", "2", "--steps", "1", "--wait")
    submitted = [each for each in events if each["event"] == "submitted"]
    assert [each["range"] for each in submitted] == [[3, 12], [18, 27]]
    assert [each["list_event"] for each in events if each["event"] == "refused"] == ["003"]
    final = events[-1]
    assert (final["event"], final["restored"], final["left"]) == ("done", 2, 1)
    for each in submitted:
        with open_reader(probe(each["output"])) as reader:
            assert [number_in(frame.picture) for frame in reader] == list(range(*each["range"]))
        assert probe(each["output"]).start_timecode == f"10:00:00:{each['range'][0]:02}"
    text = Path(final["list"]).read_text()
    assert text.count("film_restored_v0") == 2
    assert "01:00:00:05 01:00:00:10" in text
    again = _run(home, "resolve", "finish", *given)
    assert again[-1]["restored"] == 2


def test_a_list_of_which_media_are_missing_is_no_success(home: Path, tmp_path: Path) -> None:
    """A script that queues for the night sees it; what is there is queued all the same, and black needs no medium."""
    (media := tmp_path / "films").mkdir()
    make_movie(media / "film.mov", 50, codec="mpeg4", options={"g": "1"}, timecode="10:00:00:00")
    edl = tmp_path / "cut.edl"
    edl.write_text(_EDL)
    given = ("--from", str(edl), "--media", str(media), "--rate", "25", "--handles", "2")
    _run(home, "daemon", "start")
    _run(home, "queue", "suspend")
    assert [each["event"] for each in _run(home, "resolve", "queue", *given)] == ["refused", "submitted", "submitted"]
    edl.write_text(_EDL.replace("film.mov", "gone.mov", 1))
    report = tmp_path / "report.json"
    refused, black, submitted = _run(home, "resolve", "queue", *given, "--report", str(report), code=2)
    assert json.loads(report.read_text()) == [refused, black, submitted]
    assert (refused["list_event"], refused["missing"], black["missing"]) == ("001", True, False)
    assert submitted["range"] == [18, 27]
