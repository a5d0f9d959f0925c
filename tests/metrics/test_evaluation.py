"""Promises of `answerprint eval` and `answerprint bench`, on clips made here."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from answerprint.errors import InputError
from answerprint.media import probe
from answerprint.metrics import benchmark, evaluation
from answerprint.metrics.evaluation import write_clip
from answerprint.metrics.variants import ABLATIONS, parse_variants
from answerprint.metrics.verdict import verdict


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
        ["clips", str(clip), "--compare", compare, "--frames", "4", "--steps", "2", "--out", str(out), "--json"]
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


def test_the_damaged_clip_is_smaller_by_the_scale_and_keeps_its_rate(clip: Path, tmp_path: Path) -> None:
    low = tmp_path / "low.mkv"
    assert evaluation.main(["degrade", str(clip), str(low), "--degrade", "bicubic,noise=2"]) == 0
    info = probe(low)
    assert (info.width, info.height, info.frames, info.rate) == (16, 12, 5, Fraction(25))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--compare", "sharpest"], "no variant 'sharpest'"),
        (["--compare", "consistent:warp=perhaps"], "warp does not take 'perhaps'"),
        (["--degrade", "mud=3"], "mud=3"),
        (["--start", "4"], "too few"),
        (["--crop", "wide"], "not a size"),
        (["--model", "huge"], "no model 'huge'"),
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
    assert len({repr(method) for rows in ABLATIONS.values() for method in rows.values()}) >= 10
    with pytest.raises(InputError, match="no variant"):
        parse_variants("per-frame,none-such")


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


@pytest.mark.slow
def test_the_benchmark_measures_each_way_and_finds_the_flow_of_the_first_run(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    low = tmp_path / "low.mkv"
    assert evaluation.main(["degrade", str(clip), str(low)]) == 0
    capsys.readouterr()
    options = ["--frames", "4", "--chunk", "2", "--steps", "1", "--repeat", "1", "--json"]
    assert benchmark.main(["consistency", str(low), *options]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert [run["label"] for run in figures["runs"]] == ["per frame, batch 1", "per frame, batch 2", "consistent"]
    assert figures["second_seed_flow_misses"] == 0
    assert figures["seconds_ratio"] > 0
    assert figures["flop_ratio"] > 0
