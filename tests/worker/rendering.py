"""Rendering within the test's own process, with a model that can be made to fail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch

from answerprint.api.request import RestoreRequest
from answerprint.backends.base import Backend
from answerprint.ipc.messages import Message
from answerprint.media.segment import PictureDigest, SegmentReader
from answerprint.store.receipts import ChunkReceipt
from answerprint.worker.devices import DeviceMemory
from answerprint.worker.loading import Models
from answerprint.worker.memory_fallbacks import is_out_of_memory
from answerprint.worker.model_cache import WarmModels
from answerprint.worker.requests import JobChannel, JobControls
from answerprint.worker.restore_job import RenderTask, render
from temporal.models import small_backend
from worker.children import JOB, chunks_in

__all__ = ["Rendering", "models_of", "pictures_of"]


def models_of(backend: Backend) -> Models:
    """A worker's models, of which each is `backend`."""
    device = torch.device("cpu")
    return Models(WarmModels(lambda name: backend, DeviceMemory(device), is_out_of_memory), device, -1.0)


@dataclass(slots=True)
class Rendering:
    """A job in a folder, done in as many runs as a test likes."""

    clip: Path
    folder: Path
    settings: Message = field(default_factory=dict)
    events: list[Message] = field(default_factory=list)
    controls: JobControls = field(default_factory=JobControls)

    def __post_init__(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    @property
    def request(self) -> RestoreRequest:
        output = str(self.clip.with_name("out.mkv"))
        settings: Message = {"model": "tiny-x4", "steps": 2, "chunk": 4, "device": "cpu", **self.settings}
        return RestoreRequest.from_json({"input": str(self.clip), "output": output, **settings})

    def run(
        self,
        backend: Backend | None = None,
        *,
        resume: ChunkReceipt | None = None,
        rung: int = 0,
        at_border: Callable[[], None] = lambda: None,
        models: Models | None = None,
    ) -> Message:
        """The final event; all others are in `events`."""
        channel = JobChannel(lambda event: self.events.append(dict(event)), self.controls, {"job": JOB})
        task = RenderTask(JOB, self.request, self.folder, resume, rung)
        return render(task, channel, models or models_of(backend or small_backend()), at_border)

    @property
    def chunks(self) -> list[ChunkReceipt]:
        return chunks_in(self.events)

    def kinds(self, kind: str) -> list[Message]:
        return [event for event in self.events if event["event"] == kind]


def pictures_of(folder: Path, receipts: list[ChunkReceipt]) -> str:
    """SHA-256 of the pictures of some chunks."""
    digest = PictureDigest()
    for receipt in receipts:
        for _ in SegmentReader(folder, receipt).frames(digest):
            pass
    return digest.hexdigest()
