"""The commands that look after models, the motion cache and the installation."""

from __future__ import annotations

import json

from .program import Program, error_lines


def test_models_are_listed_whether_they_are_here_or_not(program: Program) -> None:
    result = program.run("models", "list")
    assert result.returncode == 0
    states = {line.split()[0]: line for line in result.stdout.splitlines()}
    assert "ready" in states["tiny-x4"]
    assert "not here" in states["ldm-sr-x4"]
    listed = json.loads(program.run("models", "list", "--json").stdout)["models"]
    assert [model["name"] for model in listed] == list(states)


def test_a_model_that_is_not_here_says_where_its_files_belong(program: Program) -> None:
    result = program.run("models", "info", "ldm-sr-x4")
    assert result.returncode == 0
    assert str(program.home / "models") in result.stdout


def test_an_unknown_model_is_refused(program: Program) -> None:
    result = program.run("models", "info", "huge-x9")
    assert result.returncode == 2
    assert "tiny-x4" in error_lines(result.stderr)[1]


def test_the_embedded_model_is_whole(program: Program) -> None:
    result = program.run("models", "verify", "tiny-x4")
    assert (result.returncode, result.stdout) == (0, "tiny-x4: ok\n")


def test_a_damaged_model_is_found_and_the_remedy_named(program: Program) -> None:
    folder = program.home / "models" / "worn"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text("{}")
    result = program.run("models", "verify")
    assert result.returncode == 2
    assert "worn: " in result.stdout
    assert str(folder) in result.stdout
    assert program.run("doctor").returncode == 4


def test_the_motion_cache_tells_what_it_holds_and_is_cleared(program: Program) -> None:
    facts = json.loads(program.run("flow-cache", "info", "--json").stdout)
    assert (facts["entries"], facts["folder"]) == (0, str(program.home / "cache" / "flow"))
    assert "0 entries removed" in program.run("flow-cache", "clear").stdout


def test_the_doctor_finds_nothing_wrong_here_and_changes_nothing(program: Program) -> None:
    result = program.run("doctor", "--json")
    report = json.loads(result.stdout)
    assert result.returncode == 0, result.stdout
    assert report["ok"]
    assert {"torch", "av", "model tiny-x4", "device cpu", "motion cache"} <= {c["name"] for c in report["checks"]}
    assert not list((program.home / "logs").glob("*"))


def test_the_doctor_names_a_home_that_cannot_be_written_to(program: Program) -> None:
    program.home.write_text("a file, no folder")
    result = program.run("doctor")
    assert result.returncode == 4
    assert "PROBLEM  home folder" in result.stdout
    assert "ANSWERPRINT_HOME" in result.stdout
    assert "Traceback" not in result.stdout + result.stderr
