"""Promises of the table of figures."""

from __future__ import annotations

import json

import pytest

from answerprint.metrics.comparison import compare_with_truth
from answerprint.metrics.picture import PICTURE_METRICS
from answerprint.metrics.report import COLUMNS, Column, Table
from answerprint.metrics.temporal import ReferenceMotion
from metrics.scenes import flickering, pan

TABLE = Table(
    "x4, 24 frames",
    {
        "truth": {"psnr": float("inf"), "e_warp": 0.0003, "masked_fraction": 0.041},
        "frame by frame": {"psnr": 24.1234, "e_warp": 0.0021, "lpips": None},
        "ours|fast": {"psnr": 24.7, "e_warp": float("nan"), "lpips": 0.25, "scheduler": "ddim"},
    },
    ("E_inter: Farneback",),
)


def test_text_lines_up_with_arrows_to_the_better_side() -> None:
    lines = TABLE.to_text().splitlines()
    assert lines[0] == "x4, 24 frames"
    assert lines[1].split() == [
        *("variant", "PSNR", "↑", "E_warp", "x1e-3", "↓", "masked", "%", "LPIPS", "↓", "scheduler")
    ]
    assert lines[3].split() == ["truth", "inf", "0.300", "4.1", "-", "-"]
    assert lines[4].split() == ["frame", "by", "frame", "24.12", "2.100", "-", "-", "-"]
    assert lines[5].split() == ["ours|fast", "24.70", "n/a", "-", "0.2500", "ddim"]
    assert lines[3].index("inf") + 3 == lines[4].index("24.12") + 5
    assert lines[-1] == "E_inter: Farneback"


def test_json_keeps_unscaled_values_and_only_what_json_can_say() -> None:
    data = json.loads(json.dumps(TABLE.to_json(), allow_nan=False))
    assert data["rows"]["truth"] == {"psnr": "inf", "e_warp": 0.0003, "masked_fraction": 0.041}
    assert data["rows"]["ours|fast"]["e_warp"] is None
    assert data["notes"] == ["E_inter: Farneback"]


@pytest.mark.parametrize(("value", "text"), [(None, "-"), (float("nan"), "n/a"), (2, "2.0"), ("x", "x")])
def test_a_column_shows_every_kind_of_value(value: float | str | None, text: str) -> None:
    assert Column("n", digits=1).show(value) == text


def test_a_table_without_rows_is_still_a_table() -> None:
    assert "variant" in Table("empty", {}).to_text()


def test_every_figure_that_is_measured_has_a_column_and_finds_damage() -> None:
    truth = pan(4, 192, 192)
    motion = ReferenceMotion(truth)
    exact, damaged = (compare_with_truth(clip, truth, motion) for clip in (truth, flickering(truth, 0.05)))
    assert set(exact) >= {*PICTURE_METRICS, *motion.figures(truth)}
    assert set(exact) - set(COLUMNS) == set()
    for name, value in exact.items():
        better, worse = float(value or 0), float(damaged[name] or 0)
        assert {"up": better > worse, "down": better < worse, "": True}[COLUMNS[name].better], name
