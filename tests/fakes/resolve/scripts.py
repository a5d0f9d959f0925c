"""Menu scripts, run as Resolve runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import NamedTuple

from fakes.resolve.world import World

__all__ = ["Run", "Script"]

_RUNNER = Path(__file__).resolve().parent / "api" / "menu.py"
_POISON = {
    "PYTHONHOME": "/opt/resolve/no/python",
    "PYTHONPATH": "/opt/resolve/no/modules",
    "LD_LIBRARY_PATH": "/opt/resolve/no/libs",
    "PYTHONSTARTUP": "/opt/resolve/no/startup.py",
}
"""Resolve sets these for itself; a child that inherits them does not start, or loads the wrong libraries."""


class Run(NamedTuple):
    """How a script ended, and all that it printed."""

    code: int
    output: str


class Script:
    """A menu script in a process of its own. Raises AssertionError where this edition lists no Python scripts."""

    def __init__(
        self, world: World, path: Path | str, variables: dict[str, str], environ: dict[str, str] | None, python: str
    ) -> None:
        assert not (world.free and world.version >= (21, 1)), "the free edition lists no Python scripts from 21.1"
        settings = {"script": str(path), "poison": _POISON, "people": world.people}
        self.process = subprocess.Popen(
            # Without site: what is installed for us is not there for a script of Resolve's.
            [python or sys.executable, "-I", "-S", str(_RUNNER)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environ or {}), **variables, "FAKE_RESOLVE_SCRIPT": json.dumps(settings)},
        )
        self._lines: list[str] = []
        self._seen = threading.Condition()
        self._reader = threading.Thread(target=self._read, name="menu script", daemon=True)
        self._reader.start()

    @property
    def output(self) -> str:
        """What it printed so far."""
        with self._seen:
            return "".join(self._lines)

    def wait_for(self, text: str, seconds: float = 30.0) -> None:
        """Return when it has printed a text."""
        with self._seen:
            assert self._seen.wait_for(lambda: text in "".join(self._lines), seconds), "".join(self._lines)

    def wait(self, seconds: float = 60.0) -> Run:
        """Wait for its end. Raises TimeoutExpired, after ending it."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.close()
            raise
        self.close()
        return Run(code, self.output)

    def close(self) -> None:
        """End it if it runs."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join(10)

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as stream:
            for line in stream:
                with self._seen:
                    self._lines.append(line.decode("utf-8", "replace"))
                    self._seen.notify_all()
