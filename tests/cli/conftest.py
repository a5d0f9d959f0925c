"""What the tests of the command line share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.daemons import daemon_at
from cli.program import Program
from cli.runner import CliRunner, runner_in
from media.makers import make_movie
from server.harness import Running


@pytest.fixture
def program(tmp_path: Path) -> Program:
    folder = tmp_path / "work"
    folder.mkdir()
    return Program(folder, tmp_path / "home")


@pytest.fixture
def clip(program: Program) -> Path:
    """A movie of 12 frames, 64x48, in the folder of the program."""
    return make_movie(program.folder / "clip.mov")


@pytest.fixture(scope="session")
def working_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Of a daemon with real workers, which stay warm from test to test."""
    home = tmp_path_factory.mktemp("h")  # short: it has a socket in it
    with daemon_at(home):
        yield home


@pytest.fixture
def studio(program: Program, working_home: Path) -> Program:
    """The program before a daemon that works."""
    program.home = working_home
    return program


@pytest.fixture
def memory_daemon(program: Program, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A daemon in memory, which the program finds; its jobs become what the test tells."""
    program.home = tmp_path_factory.mktemp("h")  # short: it has a socket in it
    with Running(program.home / "run") as server:
        yield server


@pytest.fixture
def runner(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> Iterator[CliRunner]:
    """Commands in this process, in a folder of their own, and a daemon in memory."""
    with runner_in(tmp_path, tmp_path_factory.mktemp("h"), capsys) as made:
        yield made
