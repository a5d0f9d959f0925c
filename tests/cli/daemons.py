"""Real daemons for tests: found by the programs of one home, and always ended."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from answerprint.client.client import Client
from answerprint.errors import NoDaemonError
from cli.program import Program
from server.harness import await_until

__all__ = ["SCRIPTED", "SHIPPED", "daemon_at"]

SHIPPED = ("-m", "answerprint.cli.answerprintd", "--quiet")
SCRIPTED = (str(Path(__file__).parents[1] / "fakes" / "scripted_daemon.py"),)


@contextmanager
def daemon_at(home: Path, program: Sequence[str] = SHIPPED) -> Iterator[subprocess.Popen[bytes]]:
    """A daemon that serves until the block ends."""
    environment = Program(home, home).environment()
    with subprocess.Popen([sys.executable, *program], env=environment, cwd=home) as process:
        try:
            await_until(lambda: _serves(home / "run", process.pid) or process.poll() is not None)
            yield process
        finally:
            process.terminate()
            try:
                process.wait(20)
            finally:
                process.kill()


def _serves(run: Path, pid: int) -> bool:
    """Whether that very daemon does: one that was killed leaves its session behind."""
    try:
        with Client.connect(run, timeout=0.1) as client:
            return client.session.pid == pid
    except NoDaemonError:
        return False
