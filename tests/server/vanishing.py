"""Clients that are killed while they watch: `vanish` starts real processes, waits for their first event, kills them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

__all__ = ["vanish"]

_WATCH = """
import sys
from pathlib import Path
from answerprint.client.client import Client
client = Client.connect(Path(sys.argv[1]), timeout=30)
for happening in client.watch(sys.argv[2]):
    print(happening.sequence, flush=True)
"""


def vanish(run: Path, job: str, count: int, at_once: int = 5) -> int:
    """Kill so many clients in the middle of their stream; returns how many had received something before."""
    watched = 0
    for begin in range(0, count, at_once):
        processes = [
            subprocess.Popen([sys.executable, "-c", _WATCH, str(run), job], stdout=subprocess.PIPE)
            for _ in range(min(at_once, count - begin))
        ]
        for process in processes:
            with process:
                if process.stdout is not None and process.stdout.readline():
                    watched += 1
                process.kill()
    return watched
