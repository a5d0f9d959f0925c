"""A case of each kind of the media matrix: nothing is lost without a word. `make report-media` tries them all."""

from __future__ import annotations

from pathlib import Path

import pytest

from answerprint.client.client import Client
from media.matrix import run_cases
from media.matrix_cases import CASES, FEW


def test_the_names_of_cases_are_their_own() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 150
    assert len(FEW) >= 10


def test_nothing_is_lost_without_a_word(working_home: Path, tmp_path: Path) -> None:
    with Client.connect(working_home / "run") as client:
        outcomes = list(run_cases(client, tmp_path, FEW))
    lost = [f"{each.case.name}: {loss}" for each in outcomes for loss in each.lost]
    if lost:
        pytest.fail("\n".join(lost))
    assert sum(len(each.findings) for each in outcomes) > 100
