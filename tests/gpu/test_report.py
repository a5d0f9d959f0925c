"""The report for graphics cards, tried on the processor: whole after every row, and no row takes the others with it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from answerprint.backends.base import Backend, number_type
from answerprint.metrics.stages import CONSISTENT, PER_FRAME
from gpu.budget import Budget
from gpu.full_size import MODELS, Model
from gpu.report import TINY_SIZES, Piece, main, measure, pieces
from gpu.writing import Report, missed

CPU = torch.device("cpu")
BY_NAME = {model.name: model for model in MODELS}


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def small(model: Model) -> Backend:
    return model.make(CPU, True)


def out_of_memory(model: Model) -> Backend:
    if model.name == "x4plus":
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB.\nMore words.")
    return small(model)


def tiny_pieces(*names: str, kind: str = "precisions") -> list[Piece]:
    return [Piece(BY_NAME[name], TINY_SIZES[0], kind, 1.0) for name in names]


def read(folder: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((folder / "report.json").read_text())
    return data


def test_every_row_of_a_model_is_measured_and_written(tmp_path: Path) -> None:
    code = main(["--out", str(tmp_path / "out"), "--tiny", "--device", "cpu", "--only", "x4plus", "--seconds", "60"])
    data = read(tmp_path / "out")
    assert [(row["size"], row["kind"]) for row in data["rows"]] == [
        ("480x854", "ways"), ("480x854", "precisions"), ("1080p", "ways"),
    ]  # fmt: skip
    assert not any("failed" in row or "skipped" in row for row in data["rows"])
    way, precisions = data["rows"][0], data["rows"][1]["precisions"]
    assert way["frames"] > 8 and way["finite"] and way["steps"] == way["default_steps"] == 1
    assert way["ratio"] == pytest.approx(way["seconds_per_frame"][CONSISTENT] / way["seconds_per_frame"][PER_FRAME])
    assert {"network", "flow", "warp"} <= set(way["ways"][1]["stages"])
    assert precisions["fp16"]["psnr_db"] > precisions["bf16"]["psnr_db"] > 40
    assert code == int(any(missed(row) for row in data["rows"]))
    about = data["about"]
    assert about["torch"] == torch.__version__ and about["tiny"] and about["finished_after_seconds"] > 0
    text = (tmp_path / "out" / "report.md").read_text()
    # What automatic precision is on this processor.
    number = number_type(small(BY_NAME["x4plus"]))
    assert f"| x4plus | 1080p | 24x16 | {number} | 1 of 1 |" in text and "## Stages of x4plus 480x854" in text


@pytest.mark.slow
def test_every_model_is_measured_in_small(tmp_path: Path) -> None:
    main(["--out", str(tmp_path), "--tiny", "--device", "cpu", "--seconds", "250"])
    rows = read(tmp_path)["rows"]
    assert len(rows) == 3 * len(MODELS)
    assert not [row for row in rows if "failed" in row or "skipped" in row]


def test_a_row_without_memory_does_not_take_the_others_with_it(tmp_path: Path) -> None:
    report = Report(tmp_path, {})
    rows = list(measure(tiny_pieces("x4plus", "compact"), CPU, Budget(60, 2), out_of_memory))
    assert rows[0]["failed"] == "out of memory: CUDA out of memory. Tried to allocate 2 GiB."
    assert set(rows[1]["precisions"]) == {"fp32", "bf16", "fp16"}
    for row in rows:
        report.add(row)
    assert not report.all_well
    assert "x4plus 480x854 precisions: out of memory" in (tmp_path / "report.md").read_text()


def test_what_a_library_raises_is_a_row_too() -> None:
    def broken(model: Model) -> Backend:
        raise KeyError("no such layer")

    (row,) = measure(tiny_pieces("compact"), CPU, Budget(60, 1), broken)
    assert row["failed"] == "KeyError: 'no such layer'"


def test_files_are_whole_after_each_row(tmp_path: Path) -> None:
    report = Report(tmp_path / "new" / "folder", {"device": "a card"})
    assert read(tmp_path / "new" / "folder")["rows"] == []
    for count, row in enumerate(measure(tiny_pieces("x4plus", "compact"), CPU, Budget(60, 2), small), 1):
        assert row["model"] in report.add(row)
        assert len(read(tmp_path / "new" / "folder")["rows"]) == count
    assert "- device: a card" in (tmp_path / "new" / "folder" / "report.md").read_text()


def test_without_time_every_row_says_so_and_nothing_is_built(tmp_path: Path) -> None:
    def never(model: Model) -> Backend:
        raise AssertionError(f"{model.name} was built")

    rows = list(measure(pieces(MODELS, TINY_SIZES), CPU, Budget(0, 1), never))
    assert len(rows) == 3 * len(MODELS)
    assert all(row["skipped"].startswith("no time") for row in rows)


def test_a_row_that_has_too_little_time_is_left_out_and_the_next_gets_its_own() -> None:
    hasty = replace(tiny_pieces("x4plus", kind="ways")[0], weight=1e-9)
    rows = list(measure([hasty, *tiny_pieces("compact", kind="ways")], CPU, Budget(60, 1), small))
    assert "too few" in rows[0]["skipped"]
    assert "ratio" in rows[1]


def test_a_card_that_is_not_there_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--out", str(tmp_path), "--device", "cuda:99"]) == 2
    assert "Choose auto or one of cpu" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_what_is_not_used_goes_to_those_that_follow() -> None:
    clock = Clock()
    budget = Budget(100, 4, clock)
    assert budget.share(1) == 25
    clock.now += 10
    assert budget.share(1) == 30
    clock.now += 80
    assert (budget.left, budget.spent) == (10, 90)
    assert budget.share(1) == 5
    clock.now += 20
    assert budget.share(1) == 0


@pytest.mark.parametrize(
    ("row", "faults"),
    [
        ({"ratio": 1.0, "within_memory": None, "finite": True}, 0),
        ({"ratio": 1.01, "within_memory": True, "finite": True}, 1),
        ({"ratio": 0.9, "within_memory": False, "finite": False, "bar_gib": 10, "peak_gib": {CONSISTENT: 11.0}}, 2),
    ],
)
def test_missed_bars_are_named(row: dict[str, Any], faults: int) -> None:
    assert len(missed(row)) == faults
