"""The status names what is wrong between Resolve and the program, with the remedy, and is content afterwards."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from answerprint import __version__
from answerprint.resolve.bridge import attach
from answerprint.resolve.bridge.attach import resolve_paths
from answerprint.resolve.edition import Capability
from answerprint.resolve.install.install import MANIFEST, install_scripts
from answerprint.resolve.install.scripts import Program, files, this_program
from answerprint.resolve.install.status import SetupFinding, Status, check_setup
from resolve.install.machine import CLOSED, Machine

_STUDIO = "DaVinci Resolve Studio"


class Installation:
    """A machine with the scripts of a program on it."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.program = this_program(machine.environ)
        self.root = resolve_paths(machine.environ).scripts_user
        self.install(self.program)
        machine.answering(_STUDIO, (21, 0, 4))

    def install(self, program: Program) -> None:
        install_scripts(self.root, files(program), program)

    def look(self) -> Status:
        return check_setup(self.program, files(self.program), self.machine.environ)

    def errors(self) -> list[SetupFinding]:
        return [each for each in self.look().findings if each.level == "error"]


@pytest.fixture
def installation(machine: Machine) -> Installation:
    return Installation(machine)


def test_all_is_well_where_all_is_well(installation: Installation) -> None:
    status = installation.look()
    assert status.ok
    said = {each.subject: each.message for each in status.findings}
    assert said["scripts"] == f"8 of version {__version__} in {installation.root}"
    assert said["program"].endswith(f"starts, version {__version__}")
    assert said["Resolve"] == "DaVinci Resolve Studio 21.0.4 is running"
    assert said["project"] == "Reel"
    assert status.running is not None
    assert status.running.edition.can(Capability.SELECTION)
    assert [each.problem for each in status.attempts] == [""]


def test_scripts_that_were_never_installed_are_an_error_with_the_remedy(machine: Machine) -> None:
    machine.resolve(CLOSED)
    program = this_program(machine.environ)
    status = check_setup(program, files(program), machine.environ)
    (error,) = [each for each in status.findings if each.level == "error"]
    assert error.remedy == "Run: answerprint resolve install"


def test_scripts_of_another_version_are_an_error_until_they_are_installed_again(installation: Installation) -> None:
    installation.install(replace(installation.program, version="0.0.1"))
    (error,) = installation.errors()
    assert "version 0.0.1" in error.message
    installation.install(installation.program)
    assert installation.errors() == []


def test_a_script_that_is_missing_is_an_error_and_one_that_was_changed_is_not(installation: Installation) -> None:
    first, second, *_ = sorted((installation.root / "Utility" / "Answerprint").glob("*.py"))
    first.unlink()
    second.write_text("mine")
    status = installation.look()
    levels = {each.subject: each.level for each in status.findings}
    assert (levels[first.name], levels[second.name]) == ("error", "note")
    assert "scripts" not in levels
    first.write_text("theirs")
    assert installation.look().ok
    install_scripts(installation.root, files(installation.program), installation.program, force=True)
    assert "scripts" in {each.subject for each in installation.look().findings}


def test_a_manifest_that_cannot_be_read_is_an_error_until_it_is_written_again(installation: Installation) -> None:
    (installation.root / MANIFEST).write_text("{")
    assert "is not valid" in installation.errors()[0].message
    installation.install(installation.program)
    assert installation.errors() == []


def test_a_program_that_is_gone_or_broken_is_an_error(installation: Installation, tmp_path: Path) -> None:
    installation.install(replace(installation.program, command=("/nowhere/answerprint",)))
    (error,) = installation.errors()
    assert error.message == "/nowhere/answerprint could not be started (No such file or directory)"
    installation.install(replace(installation.program, command=(sys.executable, "-m", "no_such_module")))
    (error,) = installation.errors()
    assert "No module named no_such_module" in error.message
    assert error.remedy == "Reinstall Answerprint, then run: answerprint resolve install"


def test_scripts_that_start_another_installation_are_worth_a_note(installation: Installation) -> None:
    installation.install(
        replace(installation.program, command=(*installation.program.command[:-1], "answerprint.cli.main"))
    )
    status = installation.look()
    assert status.ok
    assert [each.message for each in status.findings if "another installation" in each.message]


def test_scripts_for_the_user_and_for_all_are_worth_a_note(
    installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = replace(resolve_paths(installation.machine.environ), scripts_all=tmp_path / "all")
    monkeypatch.setattr("answerprint.resolve.install.status.resolve_paths", lambda environ: both)
    install_scripts(tmp_path / "all", files(installation.program), installation.program)
    status = installation.look()
    assert status.ok
    assert [each.remedy for each in status.findings if "twice" in each.message]


def test_a_machine_without_resolve_is_an_error_said_once(installation: Installation) -> None:
    (installation.machine.api / "Modules" / "DaVinciResolveScript.py").unlink()
    (error,) = installation.errors()
    assert error.subject == "scripting module"
    assert "RESOLVE_SCRIPT_API" in error.remedy
    installation.machine.answering(_STUDIO, (21, 0, 4))
    assert installation.errors() == []


def test_a_resolve_that_is_closed_or_free_is_not_wrong(installation: Installation) -> None:
    installation.machine.resolve(CLOSED)
    status = installation.look()
    assert status.ok
    (note,) = [each for each in status.findings if each.subject == "Resolve"]
    assert note.level == "note"
    assert "Workspace > Scripts" in note.remedy


def test_a_library_that_does_not_load_is_an_error_with_every_attempt(installation: Installation) -> None:
    installation.machine.resolve("raise ImportError('wrong ABI')")
    status = installation.look()
    assert not status.ok
    assert [each.problem for each in status.attempts] == ["ImportError: wrong ABI"]
    assert any("wrong ABI" in each.message and "ANSWERPRINT_RESOLVE_PYTHON" in each.remedy for each in status.findings)
    installation.machine.answering(_STUDIO, (21, 0, 4))
    assert installation.look().ok


def test_a_library_that_ends_its_process_is_an_error(installation: Installation) -> None:
    installation.machine.resolve("import os\nos.abort()")
    assert any("crashes it" in each.message for each in installation.errors())


def test_a_resolve_that_hangs_is_an_error(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attach, "_HELLO_SECONDS", 1.0)
    installation.machine.resolve("import threading\ndef scriptapp(name):\n    threading.Event().wait()\n")
    (error,) = [each for each in installation.errors() if each.subject == "Resolve"]
    assert "dialog" in error.remedy


def test_a_resolve_without_a_project_is_worth_a_note(installation: Installation) -> None:
    installation.machine.answering(_STUDIO, (21, 0, 4), project=False)
    status = installation.look()
    assert status.ok
    assert [each.message for each in status.findings if each.subject == "project"] == ["No project is open in Resolve."]


def test_what_this_edition_lacks_comes_with_what_to_do(installation: Installation) -> None:
    installation.machine.answering(_STUDIO, (19, 1, 4))
    status = installation.look()
    assert status.ok
    (selection,) = [each for each in status.findings if each.subject == Capability.SELECTION.value]
    assert (selection.level, selection.message) == ("note", "no")
    assert "Restore In-Out Range" in selection.remedy
