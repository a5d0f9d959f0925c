"""The readers of the conform are listed, and a missing one comes with its remedy."""

from __future__ import annotations

import sys

import pytest

from answerprint.cli import doctor
from answerprint.cli.checks import DoctorCheck
from answerprint.resolve.conform.readers import conform_readers
from answerprint.resolve.install.scripts import files, this_program
from answerprint.resolve.install.status import check_setup
from resolve.install.machine import CLOSED, Machine

_READERS = ["reader 1", "reader 2", "reader 3"]


def of_doctor() -> list[DoctorCheck]:
    return list(doctor._readings())


def of_status(machine: Machine) -> list[tuple[str, str, str]]:
    machine.resolve(CLOSED)
    program = this_program(machine.environ)
    found = check_setup(program, files(program), machine.environ).findings
    return [(each.subject, each.level, each.remedy) for each in found if each.subject.startswith("reader")]


def test_all_three_are_there(machine: Machine) -> None:
    assert [(check.name, check.ok, check.remedy) for check in of_doctor()] == [(name, True, "") for name in _READERS]
    assert of_status(machine) == [(name, "ok", "") for name in _READERS]
    assert "OpenTimelineIO 0." in conform_readers()[2].text


def test_without_the_library_the_third_is_missing_and_how_to_get_it_is_said(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "opentimelineio", None)
    (*_, third) = of_doctor()
    assert not third.ok
    assert "-m pip install opentimelineio" in third.remedy
    assert "OpenTimelineIO is not installed." in third.text
    assert [level for _, level, _ in of_status(machine)] == ["ok", "ok", "error"]
