"""What the README says is there after the README's own installation, into an environment with nothing else in it."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from answerprint.cli.main import COMMANDS
from installer.bundle import ROOT, Machine
from media.makers import make_movie, numbered_frame

README = (ROOT / "README.md").read_text("utf-8")


def block(heading: str) -> list[str]:
    """The lines of the first block of code under a heading."""
    section = re.split(r"^#+ ", README.split(f"# {heading}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
    return section.split("```")[1].strip().splitlines()[0:]


def commands() -> list[tuple[str, ...]]:
    """Every command line of the README, without its comment: the first words up to one that is an argument."""
    lines = re.findall(r"^(?:\$ )?(answerprintd?(?: [^\n]*)?)$", README, re.MULTILINE)
    lines += re.findall(r"`(answerprintd?(?: [^`]*)?)`", README)
    return [tuple(shlex.split(line, comments=True)) for line in lines if not re.search(r"[(_]", line.split()[0])]


def written_options(words: tuple[str, ...]) -> set[str]:
    return {word.partition("=")[0] for word in words if word.startswith("--")}


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs' folder of an environment made as the README says; ANSWERPRINT_INSTALLED names one that is there."""
    if named := os.environ.get("ANSWERPRINT_INSTALLED"):
        return Path(named)
    tree = tmp_path_factory.mktemp("tree")
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tree / name)
    for line in block("Install"):
        subprocess.run(shlex.split(line), cwd=tree, check=True, stdout=subprocess.DEVNULL)
    return tree / ".venv" / ("Scripts" if os.name == "nt" else "bin")


@pytest.fixture
def machine(installed: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    made = Machine(installed, tmp_path_factory.mktemp("h"), tmp_path / "my work")  # short: it has a socket in it
    yield made
    made.run("daemon", "stop")


def test_every_command_of_the_program_is_in_the_readme() -> None:
    assert [name for name in COMMANDS if f"`{name}" not in README] == []


@pytest.mark.parametrize("program", ["answerprint", "answerprintd"])
@pytest.mark.slow
def test_both_programs_are_installed(machine: Machine, program: str) -> None:
    command = [machine.command(program), "--version"]
    said = subprocess.run(command, env=machine.environment(), capture_output=True, text=True, check=True)
    assert said.stdout.startswith(f"{program} ")


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_every_option_that_the_readme_writes_is_in_the_help(machine: Machine) -> None:
    helps: dict[tuple[str, ...], str] = {}
    missing = []
    for program, *rest in commands():
        path = [program, *rest[:1]]
        if len(rest) > 1 and re.fullmatch(r"[a-z-]+", rest[1]):
            path.append(rest[1])
        while tuple(path) not in helps:
            said = subprocess.run(
                [machine.command(path[0]), *path[1:], "--help"],
                env=machine.environment(),
                cwd=machine.folder,
                capture_output=True,
                text=True,
                check=False,
            )
            if said.returncode == 0 and not path[-1].startswith("-"):
                helps[tuple(path)] = said.stdout
            elif len(path) == 1:
                raise AssertionError(said.stderr)
            else:
                path.pop()
        missing += [(*path, option) for option in written_options(tuple(rest)) if option not in helps[tuple(path)]]
    assert missing == []


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_first_commands_of_the_readme_do_what_they_say(machine: Machine) -> None:
    pictures = [numbered_frame(number, 32, 24) for number in range(96)]
    make_movie(machine.folder / "rushes.mov", pictures, rate=Fraction(24), timecode="01:00:09:00")
    for number in range(40):
        cv2.imwrite(str(machine.folder / f"plate.{number:04d}.png"), np.full((24, 32, 3), number, np.uint8))
    for line in block("Use it"):
        ended = subprocess.run(
            ["sh", "-c", line],
            cwd=machine.folder,
            env=machine.environment() | {"PATH": f"{machine.program}:/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, (line, ended.stdout, ended.stderr)
    made = {path.name for path in machine.folder.iterdir()}
    assert {"restored.mov", "restored.mp4", "out.0018.png", "rushes-preview", "restored"} <= made
