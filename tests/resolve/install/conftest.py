"""What the tests of the setup share."""

from __future__ import annotations

from pathlib import Path

import pytest

from resolve.install.machine import Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)
