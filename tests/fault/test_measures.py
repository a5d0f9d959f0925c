"""The figures can be measured, and those that no load of the machine changes hold in small as well."""

from __future__ import annotations

from pathlib import Path

import pytest

from fault.measure_jobs import Figure, measure_first_work, measure_idle, measure_long_queue, measure_vanishing_clients


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of a short name: there is a socket in it."""
    return tmp_path_factory.mktemp("m")


def test_a_figure_says_whether_its_bar_is_held() -> None:
    assert Figure("a", 49.9, "ms", 50).met
    assert not Figure("a", 50, "ms", 50).met


@pytest.mark.fault
def test_clients_that_vanish_leave_nothing_behind(place: Path) -> None:
    assert all(figure.met for figure in measure_vanishing_clients(place, clients=60, at_once=20))


@pytest.mark.fault
def test_a_long_queue_takes_no_memory(place: Path) -> None:
    figures = {figure.unit: figure for figure in measure_long_queue(place, jobs=300)}
    assert figures["MiB"].met
    assert figures["ms"].value > 0


@pytest.mark.fault
def test_an_idle_daemon_is_small(place: Path) -> None:
    assert [figure.met for figure in measure_idle(place, tries=1) if figure.unit == "MiB"] == [True]


@pytest.mark.fault
def test_the_way_to_the_first_work_is_measured(place: Path) -> None:
    assert all(0 < figure.value < 5000 for figure in measure_first_work(place, tries=3))
