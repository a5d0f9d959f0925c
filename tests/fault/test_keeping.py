"""The daemon goes on, beside long files, silent connections and many who ask: the rows of the report, in small."""

from __future__ import annotations

from pathlib import Path

import pytest

from fault.keeping import measure_crowd, measure_long_files, measure_silence
from fault.measure_jobs import Figure


def check(figures: list[Figure]) -> None:
    assert figures
    assert all(figure.met for figure in figures), figures


@pytest.mark.slow
def test_a_clip_is_described_beside_files_that_take_long(tmp_path: Path) -> None:
    check(measure_long_files(tmp_path, files=3, pictures=1_000_000))


@pytest.mark.slow
def test_silent_connections_keep_no_job_from_its_end(tmp_path_factory: pytest.TempPathFactory) -> None:
    check(measure_silence(tmp_path_factory.mktemp("s"), connections=400))


def test_many_who_ask_at_once_are_answered(tmp_path_factory: pytest.TempPathFactory) -> None:
    check(measure_crowd(tmp_path_factory.mktemp("c"), clients=100, lists=5))
