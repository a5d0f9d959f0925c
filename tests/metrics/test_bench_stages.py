"""`answerprint bench stages` says what was measured, whole, and refuses what cannot be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from answerprint.metrics.benchmark import main
from worker.clips import write_clip

QUICK = ["stages", "--frames", "3", "--chunk", "2", "--steps", "1", "--repeat", "1", "--threads", "1"]


@pytest.fixture(autouse=True)
def threads_as_before() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_a_drawn_clip_of_the_wanted_size_is_measured_in_stages(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*QUICK, "--size", "36x20", "--model", "tiny-x4"]) == 0
    said = capsys.readouterr().out
    lines = said.splitlines()
    assert "source: 36x20" in lines and "number_type: float32" in lines and "threads: 1" in lines
    table = {line.split("  ")[0].strip(): line.split()[-2:] for line in lines[lines.index("") + 1 :] if line}
    assert {"network", "attention", "flow", "warp", "decode latents", "rest", "all"} <= set(table)
    for column in (0, 1):
        parts = sum(
            float(cells[column]) for name, cells in table.items() if name not in ("ms/frame", "all") and ":" not in name
        )
        assert parts == pytest.approx(float(table["all"][column]), abs=1.0)
    assert lines[-1].startswith("consistent / per frame: ")


def test_frames_of_a_clip_are_read_from_where_it_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip = write_clip(tmp_path / "clip.mkv", 0, 8)
    assert main([*QUICK, str(clip), "--start", "6", "--option", "merge=off", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert (figures["source"], figures["frames"], figures["steps"]) == ("40x32", 2, 1)
    per_frame, consistent = figures["ways"]
    assert figures["seconds_ratio"] == pytest.approx(consistent["seconds"] / per_frame["seconds"])
    assert "matching" not in consistent["stages"], "the option was not heard"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--size", "wide"], "WIDTHxHEIGHT"),
        (["--size", "0x20"], "WIDTHxHEIGHT"),
        (["--frames", "1"], "2 or more"),
        (["--threads", "-1"], "0 or more"),
        (["--option", "merge"], "NAME=VALUE"),
        (["--option", "speed=9"], "Options: "),
        (["--model", "huge-x9"], "tiny-x4"),
        (["--device", "cuda:99"], "Choose auto"),
        (["--task", "depth"], "It supports: sr"),
    ],
)
def test_what_cannot_be_measured_is_refused(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*QUICK, *arguments]) == 2
    assert said in capsys.readouterr().err
