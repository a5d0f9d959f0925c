"""What the tests of the command line share."""

from __future__ import annotations

from pathlib import Path

import pytest

from media.makers import make_movie

from .program import Program


@pytest.fixture
def program(tmp_path: Path) -> Program:
    folder = tmp_path / "work"
    folder.mkdir()
    return Program(folder, tmp_path / "home")


@pytest.fixture
def clip(program: Program) -> Path:
    """A movie of 12 frames, 64x48, in the folder of the program."""
    return make_movie(program.folder / "clip.mov")
