"""A power cut loses nothing that was reported, and would, if the daemon did not flush what it reports."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from fault.power_cuts import cut_at_random
from fault.small_disk import NoDiskError

pytestmark = pytest.mark.fault

_LAZY = "int fsync(int f) { return 0; }\nint fdatasync(int f) { return 0; }\n"


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of a short name: there is a socket in it."""
    return tmp_path_factory.mktemp("p")


def test_nothing_reported_is_lost_in_a_power_cut(place: Path) -> None:
    try:
        cut = cut_at_random(3, 0, place)
    except NoDiskError as error:
        pytest.skip(str(error))
    assert cut.clean, cut
    assert cut.cuts == 3


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
def test_a_daemon_that_flushes_nothing_is_found(place: Path) -> None:
    library = place / "lazy.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-x", "c", "-", "-o", library], input=_LAZY.encode(), check=True)
    try:
        cut = cut_at_random(2, 0, place, {"LD_PRELOAD": str(library)})
    except NoDiskError as error:
        pytest.skip(str(error))
    except AssertionError as error:
        assert "lost" in str(error)
    else:
        assert not cut.clean
