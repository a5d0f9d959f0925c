"""One bundle for all tests, each on a machine of its own."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from installer.bundle import Machine, build, move
from media.makers import make_movie
from server.harness import await_until


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle that ANSWERPRINT_BUNDLE names, or a new one, where a user might have put it."""
    named = os.environ.get("ANSWERPRINT_BUNDLE")
    if not named and importlib.util.find_spec("PyInstaller") is None:
        pytest.skip("neither is a bundle named by ANSWERPRINT_BUNDLE, nor is PyInstaller installed")
    built = Path(named) if named else build(tmp_path_factory.mktemp("built"))
    return move(built, tmp_path_factory.mktemp("programs") / "Grüße an Alle" / "Answerprint")


@pytest.fixture
def machine(installed: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """Ends without a process, and without a file in the user's home."""
    made = Machine(installed, tmp_path_factory.mktemp("h"), tmp_path / "my work")  # short: it has a socket in it
    yield made
    made.run("daemon", "stop")
    await_until(lambda: not made.processes())
    assert not list(made.user_home.iterdir())


@pytest.fixture
def clip(machine: Machine) -> Path:
    """A movie of 8 frames, 64x48, in the user's folder."""
    return make_movie(machine.folder / "Rolle 1, Kürzung.mov", 8)
