"""`answerprint resolve install`, `uninstall` and `status`, as people and programs see them."""

from __future__ import annotations

import argparse
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from answerprint import child
from answerprint.cli.actions import Actions
from answerprint.cli.console import Console
from answerprint.cli.context import Context
from answerprint.cli.resolve.install import add_install, add_status, add_uninstall, run
from answerprint.resolve.bridge.attach import resolve_paths
from answerprint.resolve.install.scripts import this_program
from resolve.install.machine import CLOSED, Machine


class Terminal:
    """Runs the three actions on a machine."""

    def __init__(self, machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
        self.machine, self._capsys = machine, capsys
        self.root = resolve_paths(machine.environ).scripts_user
        self.parser = argparse.ArgumentParser()
        actions = Actions(self.parser)
        for add in (add_install, add_uninstall, add_status):
            add(actions)

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        args = self.parser.parse_args(arguments)
        code = run(args, Context(Console(args.json), child.command))
        said = self._capsys.readouterr()
        return code, said.out, said.err

    def json(self, *arguments: str) -> tuple[int, Any]:
        code, out, _ = self(*arguments, "--json")
        return code, json.loads(out)


@pytest.fixture
def terminal(machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    machine.resolve(CLOSED)
    for name, value in machine.environ.items():
        monkeypatch.setenv(name, value)
    return Terminal(machine, capsys)


def test_the_scripts_come_and_go(terminal: Terminal) -> None:
    code, out, _ = terminal("install")
    assert code == 0
    assert f"Created {terminal.root}" in out
    assert "8 scripts of version" in out
    assert "Workspace > Scripts > Answerprint" in out
    assert terminal("install")[1].count("all up to date") == 1
    assert terminal("status")[0] == 0
    assert "Removed 8 scripts" in terminal("uninstall")[1]
    assert not terminal.root.exists()
    assert "There are no Answerprint scripts" in terminal("uninstall")[1]
    assert terminal("status")[0] == 4


def test_an_installed_script_runs_as_it_is(terminal: Terminal) -> None:
    """Through the real program, from a folder of no significance."""
    terminal("install")
    script = terminal.root / "Utility" / "Answerprint" / "Restore Queue.py"
    program = this_program().command[0]
    line = [program, "-c", f"exec(compile(open({str(script)!r}).read(), 'x', 'exec'), {{'__name__': '__main__'}})"]
    said = subprocess.run(line, cwd="/", env=terminal.machine.environ, capture_output=True, text=True, check=False)
    assert "The script was not run by Resolve." in said.stdout
    assert said.stderr == ""


def test_what_is_left_is_said_and_fails(terminal: Terminal) -> None:
    path = terminal.root / "Deliver" / "Answerprint - Restore Rendered File.py"
    path.parent.mkdir(parents=True)
    path.write_text("theirs")
    code, _, err = terminal("install")
    assert code == 4
    assert f"Left {path} as it is: it is not from Answerprint." in err
    assert "--force" in err
    code, out, _ = terminal("install", "--force")
    assert code == 0
    assert f"Kept the old file as {path}.backup1." in out


def test_json_says_the_same_to_programs(terminal: Terminal) -> None:
    code, installed = terminal.json("install")
    assert (code, installed["event"], len(installed["written"])) == (0, "installed", 8)
    code, report = terminal.json("status")
    assert (code, report["event"], report["ok"], report["resolve"]) == (0, "report", True, None)
    terminal.machine.answering("DaVinci Resolve Studio", (21, 1, 0))
    _, report = terminal.json("status")
    assert report["resolve"]["edition"] == "studio"
    assert report["resolve"]["version"] == [21, 1, 0]
    assert {"name": "selection", "can": True, "instead": ""}.items() <= report["resolve"]["capabilities"][5].items()
    code, gone = terminal.json("uninstall")
    assert (code, gone["event"], len(gone["removed"])) == (0, "uninstalled", 8)


def test_all_users_are_given_no_home_of_one_user(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert this_program().home == terminal.machine.environ["ANSWERPRINT_HOME"]
    assert this_program(all_users=True).home == ""


def test_a_frozen_program_is_started_by_its_own_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sys.frozen", True, raising=False)
    monkeypatch.setattr("sys.executable", str(tmp_path / "answerprintd"))
    assert this_program().command == (str(tmp_path / "answerprint"),)
