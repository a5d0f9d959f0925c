"""The plugin, compiled once, and a home of its own for every test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ofx.answers import Answers
from ofx.compiling import OFX_SOURCES, compile_c
from ofx.studio import studio

__all__ = ["studio"]


@pytest.fixture(scope="session")
def plugin() -> Path:
    """The plugin of the product."""
    return compile_c("answerprint.ofx", OFX_SOURCES)


@pytest.fixture
def answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Answers]:
    """A daemon's folder with a listening socket, found by whatever plugin is loaded after it."""
    home = tmp_path / "home"
    monkeypatch.setenv("ANSWERPRINT_HOME", str(home))
    with Answers(home) as made:
        yield made
