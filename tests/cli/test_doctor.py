"""The doctor finds what is wrong, says the remedy, and changes nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from answerprint.cli.checks import DoctorCheck, daemon_checks, verification_checks
from cli.daemons import daemon_at
from cli.program import Program


@pytest.fixture
def patient(program: Program, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Program:
    """The program with a short home: it will have a socket in it. `look` looks at the same home."""
    program.home = tmp_path_factory.mktemp("h")
    monkeypatch.setenv("ANSWERPRINT_HOME", str(program.home))
    return program


def look() -> dict[str, DoctorCheck]:
    """What is said of the daemon and of what it keeps, by name; what is wrong comes before what is not."""
    checks = [*daemon_checks(), *verification_checks()]
    return {check.name: check for check in sorted(checks, key=lambda check: not check.ok, reverse=True)}


def all_is_well() -> bool:
    return all(check.ok for check in look().values())


def examine(program: Program, *arguments: str) -> tuple[int, dict[str, Any]]:
    """The exit code of the whole command, and its checks by name."""
    result = program.run("doctor", *arguments, "--json")
    report = json.loads(result.stdout)
    assert report["ok"] == (result.returncode == 0)
    assert result.stderr == ""
    return result.returncode, {check["name"]: check for check in report["checks"]}


def test_nothing_is_wrong_here_and_nothing_is_changed(program: Program) -> None:
    code, checks = examine(program, "--verify")
    assert code == 0, checks
    assert {"torch", "av", "model tiny-x4", "device cpu", "motion cache", "daemon", "journal"} | {
        f"reader {number}" for number in (1, 2, 3)
    } <= set(checks)
    assert "not running" in checks["daemon"]["text"]
    assert not list((program.home / "logs").glob("*"))


def test_a_home_that_cannot_be_written_to_is_named(program: Program) -> None:
    program.home.write_text("a file, no folder")
    result = program.run("doctor")
    assert result.returncode == 4
    assert "PROBLEM  home folder" in result.stdout
    assert "ANSWERPRINT_HOME" in result.stdout
    assert "Traceback" not in result.stdout + result.stderr


def test_a_damaged_model_is_a_problem(program: Program) -> None:
    folder = program.home / "models" / "worn"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text("{}")
    code, checks = examine(program)
    assert (code, checks["model worn"]["ok"]) == (4, False)


def test_a_daemon_and_its_journal_are_looked_at_while_it_works(patient: Program, clip: Path) -> None:
    with daemon_at(patient.home) as daemon:
        assert patient.run("queue", "add", "clip.mov", "--not-before", "+2h").returncode == 0
        checks = look()
    assert all(check.ok for check in checks.values()), checks
    assert f"process {daemon.pid}" in checks["daemon"].text
    assert "1 queued" in checks["journal"].text
    assert "1 job, 0 chunks" in checks["journal and files"].text
    assert {"run", "lock", "session.json", "d.sock"} <= set(checks)


def test_what_others_could_reach_is_wrong_and_right_again_when_closed(patient: Program) -> None:
    with daemon_at(patient.home):
        run = patient.home / "run"
        run.chmod(0o755)
        check = look()[str(run)]
        assert (check.ok, "0755" in check.text, "chmod" in check.remedy) == (False, True, True)
        run.chmod(0o700)
        assert all_is_well()


def test_a_damaged_journal_is_found_and_a_whole_one_is_not(patient: Program, clip: Path) -> None:
    with daemon_at(patient.home):
        patient.run("queue", "add", "clip.mov", "--not-before", "+2h")
    journal = patient.home / "state" / "journal.db"
    whole = journal.read_bytes()
    journal.write_bytes(whole[:5000] + b"\xff" * 8000 + whole[13000:])
    assert not look()["journal and files"].ok
    journal.write_bytes(b"no journal at all")
    assert "--verify" in look()["journal"].remedy
    journal.write_bytes(whole)
    assert all_is_well()


def test_a_damaged_journal_is_made_again_but_not_under_a_daemon(patient: Program, clip: Path) -> None:
    with daemon_at(patient.home):
        patient.run("queue", "add", "clip.mov", "--not-before", "+2h")
        refused = patient.run("doctor", "--rebuild")
        assert (refused.returncode, "running" in refused.stderr) == (6, True)
    journal = patient.home / "state" / "journal.db"
    whole = journal.read_bytes()
    journal.write_bytes(whole[:40] + b"\xff" * 60 + whole[100:])
    assert patient.run("daemon", "start").returncode != 0
    assert "journal rebuilt" in patient.run("doctor", "--rebuild").stdout
    assert all_is_well()
    with daemon_at(patient.home):
        assert patient.run("jobs", "list").returncode == 0


def test_a_daemon_that_does_not_answer_is_wrong_and_none_is_not(patient: Program) -> None:
    with daemon_at(patient.home) as daemon:
        session = patient.home / "run" / "session.json"
        hidden = session.rename(session.with_name("hidden"))
        check = look()["daemon"]
        assert (check.ok, str(daemon.pid) in check.text) == (False, True)
        hidden.rename(session)
        assert all_is_well()
    assert "not running" in look()["daemon"].text
    assert all_is_well()


def test_settings_that_are_none_are_a_problem(patient: Program) -> None:
    config = patient.home / "config.toml"
    config.write_text("colour = 'blue'")
    assert "colour" in look()["settings"].text
    config.unlink()
    assert all_is_well()
