"""The command starts fast, explains itself, and loads nothing that it does not need."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from answerprint.cli.main import COMMANDS
from cli.program import Program, error_lines

HEAVY = ("torch", "av", "OpenImageIO", "cv2", "diffusers", "transformers")
LOADED_FOR_WORK = ("grpc", "google.protobuf", "yaml", "sqlite3")


def run_code(code: str, program: Program) -> tuple[set[str], str]:
    """The modules that are loaded after some code, and what it wrote to standard output."""
    listing = "sys.stderr.write(json.dumps(list(sys.modules)))"
    script = f"import sys, json\ntry:\n    {code}\nexcept SystemExit:\n    pass\n{listing}"
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=program.folder
    )
    return set(json.loads(result.stderr.splitlines()[-1])), result.stdout


def loaded_by(code: str, program: Program) -> set[str]:
    return run_code(code, program)[0]


@pytest.mark.parametrize("arguments", [[], *([name] for name in COMMANDS)])
def test_help_explains_itself_and_loads_nothing_heavy(arguments: list[str], program: Program) -> None:
    code = f"from answerprint.cli.main import main; main({[*arguments, '--help']!r})"
    modules, said = run_code(code, program)
    assert not modules & {*HEAVY, *LOADED_FOR_WORK}
    assert said.startswith("usage: answerprint")
    assert f"\n  {' '.join(['answerprint', *arguments])} " in said, "an example"


def test_importing_the_package_and_asking_for_help_load_not_even_numpy(program: Program) -> None:
    assert "numpy" not in loaded_by("import answerprint", program)
    assert "numpy" not in loaded_by("from answerprint.cli.main import main; main(['--help'])", program)


def test_everything_that_restoring_needs_in_the_parent_is_light(program: Program) -> None:
    names = "cli.restore, cli.doctor, cli.answerprintd, ipc.child_process, client.client"
    modules = loaded_by("import " + ", ".join(f"answerprint.{name.strip()}" for name in names.split(",")), program)
    assert not modules & set(HEAVY)


def test_help_is_there_in_less_than_half_a_second(program: Program) -> None:
    def seconds() -> float:
        began = time.perf_counter()
        program.run("--help")
        return time.perf_counter() - began

    # The best of several: other programs on the machine only ever add.
    assert min(seconds() for _ in range(7)) < 0.5


def test_the_installed_command_is_the_same_as_the_module(program: Program) -> None:
    script = Path(sys.executable).with_name("answerprint")
    if not script.exists():
        pytest.skip("the package is not installed here")
    installed = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert installed.stdout == program.run("--version").stdout


def test_the_options_of_the_method_are_listed(program: Program) -> None:
    result = program.run("restore", "--list-options")
    assert result.returncode == 0
    for name in ("merge_ratio", "warp_stage", "sampler", "one of bounded, joint"):
        assert name in result.stdout


@pytest.mark.parametrize("arguments", [["develop"], ["restore"], ["restore", "a"], ["restore", "a", "b", "--grain"]])
def test_a_wrong_command_line_is_two_plain_lines(arguments: list[str], program: Program) -> None:
    result = program.run(*arguments)
    assert result.returncode == 2
    assert len(error_lines(result.stderr)) == len(result.stderr.splitlines()) == 2
    assert "--help" in result.stderr


def test_a_wrong_command_line_with_json_is_an_error_event(program: Program) -> None:
    result = program.run("restore", "a", "b", "--task", "magic", "--json")
    assert result.returncode == 2
    assert result.stderr == ""
    event = json.loads(result.stdout)
    assert event["event"] == "error"
    assert event["code"] == "bad_input"
    assert "magic" in event["message"]


def test_the_program_alone_prints_its_help(program: Program) -> None:
    result = program.run()
    assert (result.returncode, result.stderr) == (0, "")
    assert "answerprint restore rushes.mov restored.mov" in result.stdout
