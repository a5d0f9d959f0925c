"""A real server over a real socket, with the stand-in for the daemon behind it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from answerprint.client.client import Client
from server.harness import Running


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    with Running(tmp_path / "run") as server:
        yield server


@pytest.fixture
def client(running: Running) -> Iterator[Client]:
    with running.client() as made:
        yield made
