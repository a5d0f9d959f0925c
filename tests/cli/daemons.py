"""Real daemons for tests: found by the programs of one home, and always ended."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from answerprint.client.client import Client
from answerprint.errors import NoDaemonError
from cli.program import Program
from fakes.steering import VARIABLE, Script, Steering
from server.harness import await_until

__all__ = ["daemon_at", "next_worker", "steering_in"]

_SHIPPED: Sequence[str] = ("-m", "answerprint.cli.answerprintd")
_WITH_STANDINS: Sequence[str] = (str(Path(__file__).parents[1] / "fakes" / "answerprintd.py"),)
_MANY = 50

SCENES = {
    "bad": {"load": ["refuse"]},
    "crash": {"chunk-0-denoise": ["exit"]},
    "silent": {"load": ["vanish"]},
    "aborted": {"chunk-0-denoise": ["abort"]},
    "killed": {"chunk-0-denoise": ["kill"]},
    "patient": {"chunk-0": ["hold"]},
}
"""What becomes of a clip of that name, each time: the worker of `patient` works until it is told to stop."""


def steering_in(folder: Path) -> Steering:
    """Stand-ins for the children of a daemon, with which the name of a clip is its scene."""
    steering = Steering(folder)
    for name, faults in SCENES.items():
        steering.write(name, Script(faults={step: actions * _MANY for step, actions in faults.items()}))
    return steering


def next_worker(process: subprocess.Popen[str], steering: Steering) -> int:
    """Read the events of a command until the worker of `patient` has begun; returns its process id."""
    assert process.stdout is not None
    for line in process.stdout:
        if json.loads(line).get("message") == "hold chunk-0":
            return steering.process("patient", "chunk-0")
    raise AssertionError("no worker")


@contextmanager
def daemon_at(home: Path, steering: Steering | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """A daemon that serves until the block ends. steering: of stand-ins, in the place of its children."""
    program, environment = _SHIPPED, Program(home, home).environment()
    if steering is not None:
        program, environment = _WITH_STANDINS, {**environment, VARIABLE: str(steering.folder)}
    with subprocess.Popen([sys.executable, *program, "--quiet"], env=environment, cwd=home) as process:
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
