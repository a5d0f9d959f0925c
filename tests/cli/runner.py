"""The command line in this process, before a daemon whose jobs nobody does."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from answerprint.api.job import JobRecord
from answerprint.cli.main import main
from fakes.daemon import FakeDaemon
from server.harness import Running, new_job

__all__ = ["Answer", "CliRunner", "runner_in"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401
        """Standard output as one JSON value."""
        return json.loads(self.out)

    @property
    def events(self) -> list[dict[str, Any]]:
        """Standard output as JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]


class CliRunner:
    """Runs commands; `server` has the daemon."""

    def __init__(self, folder: Path, server: Running, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.server, self._capsys = folder, server, capsys

    @property
    def daemon(self) -> FakeDaemon:
        """What the commands talk to."""
        return self.server.daemon

    def __call__(self, *arguments: str) -> Answer:
        """Run a command to its end."""
        self._capsys.readouterr()
        code = main(list(arguments))
        said = self._capsys.readouterr()
        return Answer(code, said.out, said.err)

    def job(self, label: str = "reel.mov", **more: Any) -> JobRecord:  # noqa: ANN401 - fields of a job
        """Submit a job beside the command line."""
        record, _ = self.server.do(self.daemon.submit(new_job(self.folder, label=label, **more)))
        return record

    def tell(self, job: JobRecord, event: dict[str, Any]) -> None:
        """Let something happen to a job."""
        self.server.call(self.daemon.tell, job.id, event)


@contextmanager
def runner_in(folder: Path, home: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[CliRunner]:
    """Commands in this process, in a folder of their own, and a daemon in memory. home: short, for its socket."""
    before = signal.getsignal(signal.SIGTERM)
    with pytest.MonkeyPatch.context() as patch, Running(home / "run") as server:
        patch.setenv("ANSWERPRINT_HOME", str(home))
        patch.chdir(folder)
        yield CliRunner(folder, server, capsys)
    signal.signal(signal.SIGTERM, before)
