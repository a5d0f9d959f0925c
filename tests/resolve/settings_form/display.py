"""A display that nobody sees, for windows that are opened for real."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator

import pytest

__all__ = ["display"]


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    """The name of a display, such as :99."""
    server = shutil.which("Xvfb")
    if server is None:
        pytest.skip("Xvfb, a display without a screen, is not installed")
    pytest.importorskip("tkinter", reason="this Python has no tkinter")
    read, write = os.pipe()
    process = subprocess.Popen(
        [server, "-displayfd", str(write), "-screen", "0", "1280x800x24", "-nolisten", "tcp"],
        pass_fds=[write],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    with process, os.fdopen(read) as number:
        try:
            yield f":{number.readline().strip()}"  # it is said when the display is ready
        finally:
            process.terminate()
