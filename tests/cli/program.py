"""The real command in a real process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

__all__ = ["Program", "error_lines"]


class Program:
    """Runs `answerprint` in a folder, with a home of its own."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder = folder
        self.home = home

    def run(self, *arguments: str, timeout: float = 240) -> subprocess.CompletedProcess[str]:
        """Run to the end."""
        return subprocess.run(
            [sys.executable, "-m", "answerprint", *arguments],
            cwd=self.folder,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def start(
        self, *arguments: str, stdout: int = subprocess.PIPE, stderr: int = subprocess.PIPE
    ) -> subprocess.Popen[str]:
        """Start it in a process group of its own, as a shell does."""
        return subprocess.Popen(
            [sys.executable, "-m", "answerprint", *arguments],
            cwd=self.folder,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            text=True,
            process_group=0,
        )

    def files(self) -> set[str]:
        """Every file and folder in the folder, by relative path."""
        return {str(path.relative_to(self.folder)) for path in self.folder.rglob("*")}

    def environment(self) -> dict[str, str]:
        """What the program, and a daemon for it, are started with."""
        return {**os.environ, "ANSWERPRINT_HOME": str(self.home)}


def error_lines(stderr: str) -> list[str]:
    """The lines of the error; what a run says of its progress comes before."""
    lines = stderr.splitlines()
    start = next((n for n, line in enumerate(lines) if line.startswith("answerprint: ")), len(lines))
    return lines[start:]
