"""Promises of the rows of a comparison: what is typed is what is run, and what cannot be run is said at once."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from answerprint.errors import InputError, ModelError
from answerprint.metrics.own import DEFAULT_MODEL, Own, Studio
from answerprint.metrics.rivals.external import External
from answerprint.metrics.rivals.filters import Filtered
from answerprint.metrics.rivals.plain import Plain
from answerprint.metrics.variants import NAMED
from answerprint.metrics.ways import ROWS, Reader
from answerprint.temporal.options import PAPER

COPY = f"external:{sys.executable} copy.py {{in}} {{out}}"


@pytest.fixture
def reader() -> Iterator[Reader]:
    with Studio() as studio:
        yield Reader(studio, "tiny-x4", steps=3)


def test_each_kind_of_row_is_found_by_its_name(reader: Reader) -> None:
    rows = reader.read(["bicubic, lanczos,nlmeans:s=4;r=9,ncnn,consistent", COPY])
    assert [row.name for row in rows[:-1]] == ["bicubic", "lanczos", "nlmeans:s=4;r=9", "ncnn", "consistent"]
    assert rows[-1].name == f"external:{Path(sys.executable).stem}"
    assert [type(row) for row in rows] == [Plain, Plain, Filtered, External, Own, External]
    assert isinstance(rows[2], Filtered)
    assert rows[2].options == {"s": "4", "r": "9"}


def test_a_command_keeps_its_commas_and_colons(reader: Reader) -> None:
    (row,) = reader.read([f"external:{sys.executable} -c 'a, b: c' {{in}} {{out}}"])
    assert isinstance(row, External)
    assert list(row.command[1:]) == ["-c", "a, b: c", "{in}", "{out}"]


def test_a_row_that_is_typed_twice_is_run_once_and_a_program_with_other_arguments_gets_a_number(reader: Reader) -> None:
    rows = reader.read(["bicubic,bicubic", COPY, COPY, f"{COPY} --sharp"])
    assert len(rows) == 3
    assert rows[2].name == f"{rows[1].name} (2)"


def test_options_count_after_the_variant(reader: Reader) -> None:
    (row,) = reader.read(["paper:chunk=4;merge=off"])
    assert isinstance(row, Own)
    method = row.choices("sr").method
    assert (method.chunk, method.merge) == (4, False)
    assert method.warp_source == PAPER.warp_source != "fused"


def test_steps_are_those_of_the_compared_model_and_a_row_may_name_its_own(reader: Reader) -> None:
    rows = reader.read(["consistent,tiny-x4@per-frame,consistent:steps=5"])
    assert [row.choices("sr").steps for row in rows if isinstance(row, Own)] == [3, 3, 5]
    assert all(isinstance(row, Own) and row.studio is reader.studio for row in rows)


def test_the_setting_of_vidtome_merges_by_likeness_alone(reader: Reader) -> None:
    (row,) = reader.read(["cosine"])
    assert isinstance(row, Own)
    method = row.choices("sr").method
    assert {method.match_down, method.match_up} == {"cosine"}
    assert (method.merge, method.warp, method.spatial, method.window) == (True, False, False, 0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sharpest", "Unknown row 'sharpest'"),
        ("bicubic:a=1", "Unknown row 'bicubic:a=1'"),
        ("tiny-x4@bicubic", "Unknown row 'tiny-x4@bicubic'"),
        ("consistent:warp", "'warp' in 'consistent:warp' is not an option"),
        ("consistent:warp=perhaps", "warp does not take 'perhaps'"),
        ("consistent:steps=few", "Invalid value 'few' for steps"),
        ("consistent:colour=red", "Unknown option 'colour'"),
        ("ncnn:model=mine", "no model 'mine'"),
        ("external:no-such-program {in} {out}", "'no-such-program' not found"),
        (f"external:{sys.executable} {{in}}", "does not contain both folders"),
        ("external:", "does not contain both folders"),
        (f"external:{sys.executable} '{{in}} {{out}}", "Cannot parse the command"),
    ],
)
def test_what_is_not_known_is_told_with_a_remedy(reader: Reader, text: str, said: str) -> None:
    with pytest.raises(InputError, match=r".") as caught:
        reader.read([text])
    assert said in caught.value.message
    assert caught.value.remedy


def test_a_model_that_is_not_here_is_told_before_anything_is_restored(reader: Reader) -> None:
    with pytest.raises(ModelError, match="Unknown model 'huge'"):
        reader.read(["bicubic,huge@per-frame"])


def test_a_task_that_the_model_does_not_do_is_told() -> None:
    with Studio() as studio, pytest.raises(ModelError, match="does not support the task depth"):
        Reader(studio, "tiny-x4", "depth").read(["consistent"])


def test_every_name_that_help_shows_is_a_row(reader: Reader) -> None:
    rows = reader.read([",".join(ROWS)])
    assert [row.name for row in rows] == list(ROWS)
    assert set(NAMED) <= set(ROWS)
    assert DEFAULT_MODEL
