"""A disk that is really full: what was promised stays, and the work goes on when there is room."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
CHILD = TESTS / "fakes" / "full_disk_child.py"
MOUNT = 'mount -t tmpfs -o size=2m tmpfs "$0" && head -c 500000 /dev/zero > "$0/ballast" && exec "$@"'


def on_a_small_disk(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command that alone sees a disk of 2 MiB at folder."""
    return subprocess.run(
        ["unshare", "-rm", "sh", "-c", MOUNT, str(folder), *command],
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_a_full_disk_costs_nothing_that_was_promised(tmp_path: Path) -> None:
    if shutil.which("unshare") is None or on_a_small_disk(tmp_path, "true").returncode:
        pytest.skip("this system lets no user mount a disk of their own")
    done = on_a_small_disk(tmp_path, sys.executable, str(CHILD), str(tmp_path))
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said.pop("chunks") > 3
    assert said == {
        "full": [True, True], "journal full": True, "same": True, "temporaries": [], "after": True, "errors": [],
    }  # fmt: skip
