"""The real command in a real process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

__all__ = ["Program", "error_lines"]

SCRIPTED = Path(__file__).parents[1] / "fakes" / "cli_with_child.py"


class Program:
    """Runs `answerprint` in a folder, with a home of its own; with a scene, its child is a scripted one."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder = folder
        self.home = home

    def run(self, *arguments: str, scene: str = "", timeout: float = 240) -> subprocess.CompletedProcess[str]:
        """Run to the end."""
        return subprocess.run(
            self._command(arguments, scene),
            cwd=self.folder,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def start(self, *arguments: str, scene: str = "") -> subprocess.Popen[str]:
        """Start it in a process group of its own, as a shell does."""
        return subprocess.Popen(
            self._command(arguments, scene),
            cwd=self.folder,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
        )

    def files(self) -> set[str]:
        """Every file and folder in the folder, by relative path."""
        return {str(path.relative_to(self.folder)) for path in self.folder.rglob("*")}

    def _command(self, arguments: Sequence[str], scene: str) -> list[str]:
        if scene:
            return [sys.executable, str(SCRIPTED), scene, *arguments]
        return [sys.executable, "-m", "answerprint", *arguments]

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "ANSWERPRINT_HOME": str(self.home)}


def error_lines(stderr: str) -> list[str]:
    """The lines of the error; what a run says of its progress comes before."""
    lines = stderr.splitlines()
    start = next((n for n, line in enumerate(lines) if line.startswith("answerprint: ")), len(lines))
    return lines[start:]
