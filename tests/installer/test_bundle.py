"""A bundle does what an installation does, on a machine without Python."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from answerprint import __version__
from answerprint.child import PROGRAMS
from answerprint.cli.main import COMMANDS
from answerprint.errors import CancelledError
from answerprint.media import open_reader, probe
from backends.builders import save_pipeline, small_pipeline
from backends.builders_diffbir import write_diffbir
from backends.builders_generator import write_generator
from backends.builders_marigold import save_marigold
from backends.builders_one_step import write_one_step
from backends.builders_sd_x4 import write_sd_x4
from fakes.resolve import FakeResolve
from installer.bundle import ROOT, Machine
from server.harness import await_until

# How a model's folder is written, and what a restoration with it needs to be told besides.
FAMILIES: dict[str, tuple[Callable[[Path], None], tuple[str, ...]]] = {
    "ldm_sr": (lambda folder: save_pipeline(small_pipeline(), folder), ()),
    "sd_x4": (write_sd_x4, ()),
    "diffbir": (write_diffbir, ("--option", "stage1=none", "--scale", "1")),
    "marigold": (save_marigold, ("--task", "depth")),
    "sd_one_step": (write_one_step, ("--scale", "1")),
    "generator": (write_generator, ()),
}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.mark.parametrize("program", ["answerprint", "answerprintd"])
def test_both_programs_know_their_version(machine: Machine, program: str) -> None:
    command = [machine.command(program), "--version"]
    said = subprocess.run(command, env=machine.environment(), capture_output=True, text=True, check=True)
    assert said.stdout == f"{program} {__version__}\n"


@pytest.mark.skipif(os.name == "nt", reason="a link needs an administrator")
def test_a_link_on_the_path_is_as_good_as_the_program(machine: Machine, tmp_path: Path) -> None:
    link = tmp_path / "answerprint"
    link.symlink_to(machine.command())
    said = subprocess.run([link, "--version"], env=machine.environment(), capture_output=True, text=True, check=True)
    assert said.stdout == f"answerprint {__version__}\n"


def test_every_command_and_every_program_of_its_own_is_in_it(machine: Machine) -> None:
    commands = [(name,) for name in COMMANDS] + [("--child", name) for name in PROGRAMS]
    ended = {each: machine.run(*each, "--help") for each in commands}
    # A child that takes messages finds nobody who sends one.
    well = (0, CancelledError.exit_code)
    assert {each: result.stderr for each, result in ended.items() if result.returncode not in well} == {}


def test_a_clip_is_restored_by_a_daemon_that_leaves_nothing_behind(machine: Machine, clip: Path) -> None:
    (machine.folder / "numpy.py").write_text("raise SystemExit('taken from the user')")
    assert done(machine.run("restore", clip.name, "out.mov", "--steps", "1", "--json"))["frames"] == 8
    assert pictures(machine.folder / "out.mov") == [(256, 192)] * 8
    listed = machine.run("jobs", "list", "--json")
    assert [(job["state"], job["frames_done"]) for job in json.loads(listed.stdout)] == [("done", 8)]
    if sys.platform == "linux":
        assert len(machine.processes()) >= 2, "the daemon and its warm worker"
        assert machine.foreign_libraries() == set()
    assert machine.run("daemon", "stop").returncode == 0
    await_until(lambda: not machine.processes())


@pytest.mark.parametrize("family", FAMILIES)
def test_a_model_of_the_users_is_restored_with(machine: Machine, clip: Path, family: str) -> None:
    write, more = FAMILIES[family]
    write(machine.home / "models" / "mine")
    arguments = ("--model", "mine", "--steps", "1", "--range", "0:2", *more, "--json")
    assert done(machine.run("restore", clip.name, "out.mov", *arguments))["frames"] == 2


def test_a_model_that_comes_in_a_package_is_restored_with(machine: Machine, clip: Path) -> None:
    arguments = ("--model", "realesr-animevideov3", "--range", "0:2", "--json")
    assert done(machine.run("restore", clip.name, "out.mov", *arguments))["frames"] == 2
    assert (machine.home / "models" / "realesr-animevideov3" / "manifest.json").is_file()


def test_every_published_model_is_offered(machine: Machine) -> None:
    published = {each.stem for each in (ROOT / "daemon" / "answerprint" / "weights" / "published").glob("*.json")}
    assert published
    assert published <= {each["name"] for each in json.loads(machine.run("models", "list", "--json").stdout)["models"]}


def test_the_doctor_finds_every_library(machine: Machine) -> None:
    result = machine.run("doctor", "--json")
    assert result.returncode == 0, result.stdout + result.stderr


def test_a_process_of_a_pool_starts(machine: Machine, clip: Path) -> None:
    result = machine.run("bench", "memory", clip.name, "--frames", "4", "--chunk", "2", "--steps", "1", "--json")
    assert result.returncode == 0, result.stderr
    assert list(json.loads(result.stdout)["peak_memory_bytes"]) == ["1 frames", "4 frames"]


def test_a_model_that_lost_a_file_is_named_and_is_well_again_with_it(machine: Machine) -> None:
    weights = next((machine.program / "_internal" / "answerprint" / "weights").glob("*/*.safetensors"))
    away = weights.rename(weights.with_suffix(".away"))
    try:
        result = machine.run("models", "verify")
        assert result.returncode != 0
        assert "Reinstall Answerprint." in result.stdout + result.stderr
    finally:
        away.rename(weights)
    assert machine.run("models", "verify").returncode == 0


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM")
def test_answerprintd_serves_alone_until_it_is_asked_to_end(machine: Machine) -> None:
    with machine.start_daemon() as daemon:
        try:
            await_until(lambda: machine.run("daemon", "status").returncode == 0)
            with machine.start_daemon() as second:
                assert second.wait(60) == 6
            daemon.send_signal(signal.SIGTERM)
            assert daemon.wait(60) == 0
        finally:
            daemon.kill()


def test_the_scripts_for_resolve_are_all_in_it(machine: Machine) -> None:
    inside = machine.program / "_internal" / "resolve_scripts"
    assert scripts(inside) == scripts(ROOT / "resolve_scripts")


@pytest.mark.skipif("resolve" not in COMMANDS, reason="this version has no such command")
def test_it_reaches_resolve_by_a_python_that_is_not_its_own(machine: Machine) -> None:
    with FakeResolve() as fake, fake.serving() as variables:
        result = machine.run(
            *("resolve", "status", "--json"), environ={**variables, "ANSWERPRINT_RESOLVE_PYTHON": sys.executable}
        )
    (report,) = map(json.loads, result.stdout.splitlines())
    assert report["resolve"]["edition"] == "studio"


def done(result: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The last event of a command that did what was asked."""
    assert result.returncode == 0, result.stdout + result.stderr
    last: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    assert last["event"] == "done"
    return last


def pictures(path: Path) -> list[tuple[int, int]]:
    """Width and height of every frame that is in a movie."""
    with open_reader(probe(path)) as reader:
        return [(frame.picture.shape[1], frame.picture.shape[0]) for frame in reader]


def scripts(folder: Path) -> dict[str, bytes]:
    """Contents by relative path."""
    files = (each for each in folder.rglob("*") if each.is_file() and "__pycache__" not in each.parts)
    return {str(each.relative_to(folder)): each.read_bytes() for each in files}
