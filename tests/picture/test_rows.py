"""The bars of the report, on figures that are given and on small clips that are made here."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from answerprint.errors import InputError
from answerprint.frames.frame import Picture
from answerprint.metrics.own import Studio
from answerprint.training.fetch import CLIPS as PUBLIC
from answerprint.training.fetch import HELD_OUT
from metrics.scenes import pan
from picture import lab as labs
from picture import report, rows
from picture.footage import CLIPS, DAMAGES, Clip
from picture.lab import Extent, Figures, Lab
from tables import Row, print_tables

SMALL = Extent(
    frames=3, largest=(64, 48), noise_largest=(64, 48), noise_frames=3, clips_of_noise=1,
    timed_frames=3, timed=(16, 12), timed_large=(16, 12), large_frames=2,
)  # fmt: skip

TRUTH = Figures(float("inf"), 0.0, 1.0, 0.001, 1.0, None)
BICUBIC = Figures(24.0, 0.50, 0.1, 0.001, float("nan"), None)
RIVAL = Figures(23.0, 0.25, 0.8, 0.004, float("nan"), 2.0)
GOOD = Figures(23.5, 0.25, 0.75, 0.0019, 1.0, 2.0)
"""Reaches every bar."""


@pytest.fixture
def lab() -> Iterator[Lab]:
    """Small sizes and the embedded model, which plays the rival too; no perceptual measure."""
    with Studio() as studio:
        yield Lab(studio, None, SMALL, "tiny-x4")


def given(lab: Lab, default: Figures, rival: Figures = RIVAL) -> Lab:
    """The lab with figures of every clip."""
    for clip in CLIPS:
        for damage in DAMAGES:
            lab._found[clip.name, damage] = {"truth": TRUTH, "bicubic": BICUBIC, "default": default, "x4plus": rival}
    return lab


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Footage that is drawn, so that nothing is fetched, and a rival that is embedded."""

    def drawn_truth(clip: Clip, frames: int, largest: tuple[int, int], scale: int = 4) -> list[Picture]:
        return pan(frames, largest[1], largest[0], seed=clip.first)

    monkeypatch.setattr(rows, "truth_of", drawn_truth)
    monkeypatch.setattr(labs, "truth_of", drawn_truth)
    monkeypatch.setattr(labs, "RIVAL", "tiny-x4")


COMPARING = ("p", "rival", "warp", "detail", "psnr", "keyframe")


def measured(lab: Lab, *names: str) -> list[Row]:
    return [row for name in names for row in rows.ROWS[name](lab)]


def test_a_default_that_reaches_every_bar_is_said_to(lab: Lab) -> None:
    assert all(row.ok for row in measured(given(lab, GOOD), *COMPARING))


@pytest.mark.parametrize(
    ("worse", "name", "missed"),
    [
        (Figures(23.5, 0.31, 0.75, 0.0019, 1.0, 2.0), "p", 2),
        (Figures(23.5, 0.27, 0.75, 0.0019, 1.0, 2.0), "rival", 1),
        (Figures(23.5, 0.25, 0.75, 0.0021, 1.0, 2.0), "warp", 1),
        (Figures(23.5, 0.25, 0.75, 0.0025, 1.0, 2.0), "warp", 2),
        (Figures(23.5, 0.25, 0.60, 0.0019, 1.0, 2.0), "detail", 2),
        (Figures(23.1, 0.25, 0.75, 0.0019, 1.0, 2.0), "psnr", 1),
        (Figures(23.5, 0.25, 0.75, 0.0019, 0.9, 2.0), "keyframe", 2),
        (Figures(23.5, 0.25, 0.75, 0.0019, 1.1, 2.0), "keyframe", 2),
    ],
)
def test_each_bar_is_missed_by_what_falls_short_of_it(lab: Lab, worse: Figures, name: str, missed: int) -> None:
    assert sum(not row.ok for row in measured(given(lab, worse), name)) == missed


def test_what_has_no_figure_reaches_no_bar(lab: Lab) -> None:
    """Without the perceptual measure P is nan, and that is not a pass."""
    nothing = Figures(23.5, float("nan"), 0.75, 0.0019, 1.0, 2.0)
    assert not any(row.ok for row in measured(given(lab, nothing), "p", "rival"))


@pytest.mark.usefixtures("drawn")
def test_a_clip_is_compared_once_and_its_figures_are_of_three_ways(lab: Lab) -> None:
    lab.keep = True
    found = lab.compare(CLIPS[0], "mild")
    assert lab.compare(CLIPS[0], "mild") is found
    assert list(found) == list(rows.COMPARED) == list(lab.pictures["street, mild"])
    assert found["default"].psnr != found["x4plus"].psnr  # one is tied over time, the other is not
    assert found["default"].key_detail > 0
    assert found["truth"].detail == pytest.approx(1.0)


@pytest.mark.usefixtures("drawn")
@pytest.mark.parametrize("name", ["grain", "black", "static", "seconds", "ratio"])
def test_rows_that_restore_by_themselves_give_a_number(lab: Lab, name: str) -> None:
    found = measured(lab, name)
    assert found
    for row in found:
        assert len(row.cells) == 4
        assert float(row.cells[2]) >= 0


class Difference:
    """Mean absolute difference, as the perceptual measure."""

    key, of_neighbours = "difference", False

    def distance(self, a: Picture, b: Picture) -> float:
        """0 for equal pictures."""
        return float(np.abs(a - b).mean())


@pytest.mark.usefixtures("drawn")
def test_self_attention_is_judged_by_its_share_of_the_gain_and_works_again_after(lab: Lab) -> None:
    lab.distance = Difference()
    first, share = measured(lab, "attention")
    assert measured(lab, "attention")[0] == first
    bicubic, whole, without = (float(part.split()[-2]) for part in first.cells[1].removeprefix("P ").split(","))
    assert without != whole
    wanted = (without - whole) / (bicubic - whole)
    assert float(first.cells[2]) == pytest.approx(wanted, rel=0.1, abs=0.1)
    assert share.ok == (float(first.cells[2]) >= 0.1)


@pytest.mark.usefixtures("drawn")
def test_merging_is_measured_off_by_flow_and_by_likeness(lab: Lab) -> None:
    names = [row.cells[0] for row in measured(lab, "merging")]
    assert [name.split(": ")[1].split(",")[0] for name in names] == ["off", "flow", "cosine"]


def test_a_model_that_does_not_do_the_task_is_a_missed_bar_and_the_next_row_is_measured(
    lab: Lab, drawn: None, capsys: pytest.CaptureFixture[str]
) -> None:
    code = print_tables(*report.tables(lab, ["noise", "black"]))
    printed = capsys.readouterr().out
    assert code == 1
    assert "not measured: The model tiny-x4 does not do the task denoise" in printed
    assert "black clip" in printed


def test_only_takes_names_of_rows(capsys: pytest.CaptureFixture[str]) -> None:
    assert report._names("noise, black") == ["noise", "black"]
    with pytest.raises(SystemExit):
        report.main(["--only", "nose"])
    assert "no row 'nose'" in capsys.readouterr().err


def test_two_clips_or_more_are_held_out_and_all_are_of_films_that_are_fetched() -> None:
    assert len(CLIPS) >= 5
    assert sum(clip.held_out for clip in CLIPS) >= 2
    assert all(clip.file in (HELD_OUT if clip.held_out else PUBLIC) for clip in CLIPS)


def test_an_unknown_option_of_the_default_is_told(lab: Lab) -> None:
    with pytest.raises(InputError):
        lab.own(colour="red").choices("sr")
