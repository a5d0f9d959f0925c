"""Many clients, each a process that watches a job: `many_watchers.py RUN JOB COUNT AT_ONCE`.

Each says that it has heard something, and is then killed in the middle of its stream. They are forked from this
process before it has a connection, so that none has to load gRPC.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from answerprint.client.client import Client


def watch(run: Path, job: str, heard: int) -> None:
    """Hear one thing, say so, and listen on."""
    with Client.connect(run, timeout=60) as client:
        for number, _ in enumerate(client.watch(job)):
            if number == 0:
                os.write(heard, b".")


def main() -> int:
    run, job, count, at_once = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    for begin in range(0, count, at_once):
        reading, writing = os.pipe()
        pids = []
        for _ in range(min(at_once, count - begin)):
            pid = os.fork()
            if pid == 0:
                try:
                    watch(run, job, writing)
                finally:
                    os._exit(1)
            pids.append(pid)
        os.close(writing)
        with os.fdopen(reading, "rb", buffering=0) as heard:
            for _ in pids:
                if not heard.read(1):
                    return 1
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    sys.stdout.write(f"{count}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
