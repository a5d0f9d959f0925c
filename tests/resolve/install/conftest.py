"""What the tests of the setup share."""

from __future__ import annotations

from pathlib import Path

import pytest

from resolve.install.standin import Standin


@pytest.fixture
def machine(tmp_path: Path) -> Standin:
    return Standin(tmp_path)
