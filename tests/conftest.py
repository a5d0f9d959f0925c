"""What holds for all tests."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import answerprint  # noqa: F401  It sets what torch reads when it is loaded.
from golden import WRITE, Golden

# A runner started in the background ignores SIGINT, and its children would inherit that: Ctrl-C would do nothing.
signal.signal(signal.SIGINT, signal.default_int_handler)

# What a runner says of its own terminal would count for the programs that tests start in others.
for _name in ("COLUMNS", "LINES"):
    os.environ.pop(_name, None)

# Nothing of a test depends on the home of whoever runs it, and none writes there.
HOME = Path(tempfile.mkdtemp(prefix="answerprint-tests-"), "home")
os.environ["ANSWERPRINT_HOME"] = str(HOME)


@pytest.fixture(autouse=True)
def user_home_is_left_alone() -> Iterator[None]:
    """A test that writes into the home of whoever runs it changes what the next one finds there."""
    yield
    if HOME.exists():
        found = sorted(each.relative_to(HOME).as_posix() for each in HOME.rglob("*"))
        shutil.rmtree(HOME)
        pytest.fail(f"the test wrote into the user's own home: {', '.join(found)}")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """What `-n auto` is: more than there are processors, as many tests wait for other processes most of their time."""
    return max(1, 3 * (os.cpu_count() or 1) // 2)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Goldens are renewed on purpose only."""
    parser.addoption(WRITE, action="store_true", help="write the files in tests/goldens anew")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """The files in tests/goldens."""
    return Golden(bool(request.config.getoption(WRITE)))
