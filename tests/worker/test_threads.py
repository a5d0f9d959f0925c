"""A worker computes in as many threads as it is told, and says the same whatever their number."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from answerprint.metrics.stages import drawn_clip, spend
from answerprint.pipeline.restore_clip import ClipSettings
from answerprint.temporal.options import MethodOptions
from answerprint.worker.server import WorkerServer
from answerprint.worker.threads import use_threads
from backends.builders import small_tiny


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    before = torch.get_num_threads(), cv2.getNumThreads()
    yield
    torch.set_num_threads(before[0])
    cv2.setNumThreads(before[1])


@pytest.mark.parametrize("count", [1, 3])
def test_a_worker_takes_the_threads_of_its_first_message(count: int) -> None:
    nobody: Any = SimpleNamespace()
    WorkerServer(nobody, nobody, {"type": "serve", "device": "cpu", "threads": count})
    assert (torch.get_num_threads(), cv2.getNumThreads()) == (count, count)


def test_none_leaves_the_number_to_the_libraries() -> None:
    use_threads(2)
    use_threads(0)
    assert torch.get_num_threads() == 2


def test_pictures_do_not_depend_on_the_number_of_threads() -> None:
    clip, made = drawn_clip(3, 40, 24), []
    for count in (1, 2):
        use_threads(count)
        backend = small_tiny()
        backend.configure(steps=2, sampler=backend.info.samplers[0], options={})
        made.append(spend("", clip, backend, ClipSettings(MethodOptions(chunk=3)))[1])
    assert all(np.array_equal(a, b) for a, b in zip(*made, strict=True))
