"""`answerprint inspect`, and the line with which a restoration begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from answerprint.api.job import JobRecord, JobState
from answerprint.cli.console import Console
from answerprint.cli.plan import plan_words
from answerprint.cli.progress import ProgressLines
from answerprint.cli.settings import absolute
from answerprint.ipc import events
from answerprint.ipc.messages import Message
from answerprint.scheduler.expected import expected_seconds
from cli.program import Program
from cli.runner import CliRunner
from media.makers import make_movie


def started(
    width: int = 640, frames: int = 100, device: str = "cpu", model: str = "swift-x4", **estimate: float
) -> Message:
    return events.started(
        {"path": "/a.mov", "width": width, "height": 480, "rate": "24000/1001", "frames": 250, "range": (0, frames)},
        {"path": "/b.mov", "width": 2 * width, "height": 960, "codec": "prores4444"},
        model=model,
        device=device,
        estimate=estimate,
    )


def test_lines_are_aligned_and_fit_the_page(runner: CliRunner) -> None:
    answer = runner("inspect", "a.mov", "b.mov")
    assert answer.code == 0
    lines = answer.out.splitlines()
    assert max(map(len, lines)) <= 100
    assert [line for line in lines if not line.startswith(" ")] == [
        str(runner.folder / "a.mov"), "", str(runner.folder / "b.mov"),
    ]  # fmt: skip
    column = lines[1].index("prores, HQ")
    assert {line[column - 1] for line in lines if line.startswith(" ")} == {" "}
    assert all(line[column] != " " for line in lines if line.startswith(" "))
    assert "about 1 min 15 s" in " ".join(answer.out.split())
    assert "up to 4.3 GB of disk while it runs, then 1.1 GB" in " ".join(answer.out.split())


def test_a_file_that_cannot_be_read_is_an_error_with_its_remedy(runner: CliRunner) -> None:
    answer = runner("inspect", "absent.mov")
    assert (answer.code, answer.out) == (2, "")
    assert "does not exist" in answer.err


def test_one_bad_file_does_not_hide_the_others(runner: CliRunner) -> None:
    answer = runner("inspect", "absent.mov", "a.mov")
    assert answer.code == 2
    assert "absent.mov does not exist" in answer.err
    assert str(runner.folder / "a.mov") in answer.out


def test_a_real_file_is_described_and_planned_without_a_file_being_written(studio: Program) -> None:
    make_movie(studio.folder / "clip.mov", 3, timecode="01:00:00:00", sound="pcm_s16le")
    done = studio.run("inspect", "clip.mov")
    assert (done.returncode, studio.files()) == (0, {"clip.mov"})
    words = " ".join(done.stdout.split())
    for text in ("h264", "64x48 to 256x192 at 25 fps", "01:00:00:00 to 01:00:00:02", "smpte170m assumed", "pcm_s16le"):
        assert text in words


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (
            started(scratch_bytes=3e9, output_bytes=10**9, seconds=180.0),
            "100 frames, 640x480 to 1280x960 at 23.976 fps, prores4444; swift-x4 on cpu; about 3 min 00 s; "
            "up to 4.0 GB of disk while it runs, then 1.0 GB",
        ),
        (started(device="", seconds=0.1), "100 frames, 640x480 to 1280x960 at 23.976 fps, prores4444; swift-x4; "
         "about 1 s"),
        (started(model=""), "100 frames, 640x480 to 1280x960 at 23.976 fps, prores4444; no model; time not known yet"),
        (events.started({}, {}, model="", device=""), "0 frames; time not known yet"),  # type: ignore[typeddict-item]
    ],
)  # fmt: skip
def test_a_plan_is_one_line(event: Message, words: str) -> None:
    assert plan_words(event) == words


def test_the_plan_is_the_first_line_unless_reading_takes_long(capsys: pytest.CaptureFixture[str]) -> None:
    reading = events.stage("probe", "Reading a.mov")
    for more, first in (([], "100 frames, "), ([events.stage("probe", "Reading a.mov: 9 frames so far")], "Reading")):
        lines = ProgressLines(Console())
        for event in (reading, *more, started(), events.stage("load", "Loading swift-x4")):
            lines.show(event)
        err = capsys.readouterr().err.splitlines()
        assert err[0].startswith(first)
        assert err[-1] == "Loading swift-x4"
        assert sum("100 frames, " in line for line in err) == 1


def test_time_is_that_of_the_last_job_alike_by_its_pixels() -> None:
    def done(seconds: float, request: Message, facts: Message) -> JobRecord:
        return JobRecord("i", 1, "restore", "l", JobState.DONE, request, facts=facts, result={"seconds": seconds})

    request: Message = {"task": "sr", "steps": None, "options": {}, "input": "/x"}
    jobs = [
        done(900, request | {"steps": 4}, started()),
        done(700, request, started(device="cuda:0")),
        done(10, request | {"input": "/y"}, started()),
        done(99, request, started()),
    ]
    assert expected_seconds(jobs, started(), request) == 10
    assert expected_seconds(jobs, started(width=1280, frames=200), request) == 40
    assert expected_seconds(jobs, started(device=""), request) == 700
    assert expected_seconds(jobs[:1], started(), request) is None
    assert expected_seconds(jobs, started() | {"model": "tiny-x4"}, request) is None


def test_the_number_of_a_picture_may_be_written_as_other_programs_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kept.##.png").touch()
    for typed, meant in (
        ("plate.####.exr", "plate.%04d.exr"), ("a##/s##_##.dpx", "a##/s##_%02d.dpx"), ("kept.##.png", "kept.##.png"),
        ("take#2.png", "take#2.png"), ("##.mov", "##.mov"),
    ):  # fmt: skip
        assert absolute(typed) == str(tmp_path / meant)
