"""A daemon at work, and restorations that change nothing but the size."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from answerprint.api.clip_ref import ClipRef
from answerprint.api.job import JobState
from answerprint.api.request import RestoreRequest
from answerprint.api.types import NewJob
from answerprint.client.client import Client
from cli.daemons import daemon_at
from ofx.clips import SIZE
from ofx.node_client import NodeClient
from server.harness import await_until

__all__ = ["Studio", "studio"]


@dataclass(frozen=True, slots=True)
class Studio:
    """A daemon at work, and a folder for clips."""

    home: Path
    folder: Path

    def restore(self, source: Path, *, wait: bool = True, scale: str = "1", **more: object) -> tuple[int, Path]:
        """Queue a restoration that changes nothing but the size; its number and its output."""
        output = source.parent.parent / f"{source.stem.partition('.')[0]}-{uuid.uuid4().hex[:6]}.mkv"
        settings = {"model": "identity", "scale": scale, "codec": "ffv1", "output": str(output), **more}
        request = RestoreRequest.from_json({**ClipRef(str(source)).settings(), **settings})
        with Client.connect(self.home / "run") as client:
            job, _ = client.submit(NewJob(str(uuid.uuid4()), "restore", request.to_json()))
            if wait:
                await_until(lambda: client.get(job.id).state is JobState.DONE)
        return job.number, output

    def node(self, path: Path | bytes, size: tuple[int, int] = SIZE, *, job: int = 0) -> NodeClient:
        return NodeClient(self.home, path, size, job=job)


@pytest.fixture(scope="package")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """One for all tests: its children stay warm."""
    home, folder = tmp_path_factory.mktemp("h"), tmp_path_factory.mktemp("clips")
    with daemon_at(home):
        yield Studio(home, folder)
