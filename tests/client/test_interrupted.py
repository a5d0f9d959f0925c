"""A signal may come up at any moment of a call: what it leaves behind still works, and the process ends well."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.harness import Running, new_job

ROUNDS = 60
_PROGRAM = """
import random, signal, sys
from pathlib import Path
from answerprint.client.client import Client

class Stop(Exception):
    pass

def stop(signum, frame):
    raise Stop

run, job, seed, rounds = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
signal.signal(signal.SIGALRM, stop)
moments = random.Random(seed)
for _ in range(rounds):
    with Client.connect(run, timeout=20) as client:
        try:
            signal.setitimer(signal.ITIMER_REAL, moments.uniform(.0002, .004))
            while True:
                for _ in client.watch(job):
                    pass
        except Stop:
            pass
        client.info()
print("as before")
"""


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    with Running(tmp_path / "run") as server:
        yield server


@pytest.mark.skipif(sys.platform == "win32", reason="no timers that raise")
@pytest.mark.parametrize("seed", range(2))
def test_a_client_works_on_after_a_signal_at_any_moment(seed: int, running: Running, tmp_path: Path) -> None:
    with running.client() as client:
        job = client.submit(new_job(tmp_path))[0].id
    ended = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(running.run), job, str(seed), str(ROUNDS)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (0, "as before\n"), ended.stderr
