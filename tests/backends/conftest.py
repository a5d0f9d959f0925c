"""Settings for all tests of backends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from backends.builders import save_pipeline, small_pipeline


@pytest.fixture(scope="session")
def saved_pipeline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small pipeline as diffusers writes it, sealed; to be copied, not changed."""
    folder = tmp_path_factory.mktemp("saved") / "random-x4"
    save_pipeline(small_pipeline(), folder)
    return folder


@pytest.fixture(scope="package", autouse=True)
def one_thread() -> Iterator[None]:
    """Networks this small gain nothing from threads, and on busy cores threads wait for each other: 30 times slower."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def plain_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Results that tests compare are those of a processor without 16 bits, wherever they run."""
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
