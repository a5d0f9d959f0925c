"""A real restoration through the real command: child, model, flow and all."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from answerprint.media import probe
from cli.program import Program
from media.makers import make_movie


def test_a_clip_is_restored_with_every_event_of_the_contract(studio: Program, clip: Path) -> None:
    before = clip.read_bytes()
    result = studio.run(
        "restore",
        "clip.mov",
        "out.mov",
        "--range",
        "2:6",
        "--model",
        "tiny-x4",
        "--steps",
        "2",
        "--device",
        "cpu",
        "--json",
    )
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    events = [json.loads(line) for line in result.stdout.splitlines()]

    (started,) = [event for event in events if event["event"] == "started"]
    assert started["input"].items() >= {"width": 64, "height": 48, "rate": "25", "frames": 12, "range": [2, 6]}.items()
    output = str(studio.folder / "out.mov")
    assert started["output"] == {"path": output, "width": 256, "height": 192, "codec": "prores4444"}
    assert (started["model"], started["device"]) == ("tiny-x4", "cpu")

    stages = [event["stage"] for event in events if event["event"] == "stage"]
    assert set(stages) <= {"queue", "probe", "load", "decode", "flow", "denoise", "write", "mux", "verify"}
    assert stages
    chunks = [event for event in events if event["event"] == "chunk"]
    assert [event["frames_done"] for event in chunks] == sorted({event["frames_done"] for event in chunks})
    assert chunks[-1]["frames_done"] == chunks[-1]["frames_total"] == 4
    progress = [event for event in events if event["event"] == "progress"]
    assert progress
    for event in progress:
        assert event["frames_total"] == 4
        assert 0 <= event["frames_done"] <= 4
        assert 0 <= event["step"] <= event["steps"] == (2 if event["stage"] == "denoise" else 0)
        assert event["eta_seconds"] is None or event["eta_seconds"] >= 0

    last = events[-1]
    assert [event["event"] for event in events if event["event"] in ("done", "error")] == ["done"]
    assert (last["event"], last["output"], last["frames"]) == ("done", output, 4)
    assert last["seconds_per_frame"] == pytest.approx(last["seconds"] / 4, abs=1e-3)
    assert last["flow_cache"]["misses"] > 0
    assert last["peak_memory_bytes"] > 0
    assert last["stages"]["network"] > 0

    restored = probe(Path(output))
    assert (restored.width, restored.height, restored.frames) == (256, 192, 4)
    assert restored.rate == 25
    assert studio.files() == {"clip.mov", "out.mov"}
    assert clip.read_bytes() == before


def test_a_preview_writes_pictures_of_the_frames_around_one(studio: Program, clip: Path) -> None:
    result = studio.run("preview", "clip.mov", "--frame", "5", "--count", "2", "--steps", "1", "--json")
    assert result.returncode == 0, result.stderr
    last = json.loads(result.stdout.splitlines()[-1])
    pictures = sorted((studio.folder / "clip-preview").iterdir())
    assert [str(picture) for picture in pictures] == sorted(last["files"])
    assert len(pictures) == 2
    assert all(picture.read_bytes().startswith(b"\x89PNG") for picture in pictures)


def test_ctrl_c_during_a_restoration_leaves_nothing_but_the_source(studio: Program) -> None:
    make_movie(studio.folder / "clip.mov", 12)
    process = studio.start(
        "restore", "clip.mov", "out.mov", "--model", "tiny-x4", "--steps", "999", "--device", "cpu", "--json"
    )
    assert process.stdout is not None
    for line in process.stdout:
        if json.loads(line)["event"] == "progress":
            break
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert json.loads(out.splitlines()[-1])["code"] == "interrupted"
    assert err == ""
    assert studio.files() == {"clip.mov"}
