"""What holds for all tests."""

from __future__ import annotations

import os
import signal

import pytest

import answerprint  # noqa: F401  It sets what torch reads when it is loaded.
from golden import WRITE, Golden

# A runner started in the background ignores SIGINT, and its children would inherit that: Ctrl-C would do nothing.
signal.signal(signal.SIGINT, signal.default_int_handler)

# What a runner says of its own terminal would count for the programs that tests start in others.
for _name in ("COLUMNS", "LINES"):
    os.environ.pop(_name, None)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Goldens are renewed on purpose only."""
    parser.addoption(WRITE, action="store_true", help="write the files in tests/goldens anew")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """The files in tests/goldens."""
    return Golden(bool(request.config.getoption(WRITE)))
