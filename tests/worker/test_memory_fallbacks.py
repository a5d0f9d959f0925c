"""When memory runs out a clip goes on in a smaller way, each way is tried once, and nothing finished is lost."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from answerprint.backends.base import Backend
from answerprint.errors import JobFailedError
from answerprint.temporal.protocols import Condition
from answerprint.worker.devices import DeviceMemory
from answerprint.worker.memory_fallbacks import FALLBACKS, ChunkSettings, is_out_of_memory
from temporal.models import small_backend
from worker.clips import write_clip
from worker.rendering import Rendering, pictures_of

Predict = Callable[[Tensor, int, Condition], Tensor]

FRAMES = 11
CALLS = 6
"""Of the network, for three chunks in two steps each."""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANSWERPRINT_HOME", str(tmp_path / "home"))


@pytest.fixture
def job(tmp_path: Path) -> Rendering:
    return Rendering(write_clip(tmp_path / "clip.mkv", 0, FRAMES, (8,)), tmp_path / "job")


def failing(when: Callable[[int, Tensor], BaseException | None]) -> Backend:
    """A model that fails at some calls: `when` is told the number of the call, from 1, and its input."""
    backend = small_backend()
    predict: Predict = backend.predict
    calls = 0

    def called(x: Tensor, timestep: int, condition: Condition) -> Tensor:
        nonlocal calls
        calls += 1
        error = when(calls, x)
        if error is not None:
            raise error
        return predict(x, timestep, condition)

    backend.predict = called  # type: ignore[method-assign]
    return backend


def no_memory() -> BaseException:
    return torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB.")


def whole(job: Rendering, tmp_path: Path) -> str:
    other = Rendering(job.clip, tmp_path / "undisturbed")
    other.run()
    return pictures_of(other.folder, other.chunks)


@pytest.mark.parametrize("call", range(1, CALLS + 1))
def test_one_failure_anywhere_changes_nothing_but_the_rung(call: int, job: Rendering, tmp_path: Path) -> None:
    final = job.run(failing(lambda number, x: no_memory() if number == call else None))
    assert (final["event"], final["frames"]) == ("rendered", FRAMES)
    assert [event["rung"] for event in job.kinds("adapted")] == [1]
    assert [(chunk.first, chunk.stop) for chunk in job.chunks] == [(0, 4), (4, 8), (8, 11)]
    lost = (call - 1) // 2  # the chunk at work
    assert [chunk.recipe["rung"] for chunk in job.chunks] == [0] * lost + [1] * (3 - lost)
    assert pictures_of(job.folder, job.chunks) == whole(job, tmp_path)


def test_memory_that_runs_out_while_pictures_are_finished_is_no_different(job: Rendering, tmp_path: Path) -> None:
    """A chunk's pictures are decoded as they are written; the chunk is then not there, and is made again."""
    backend, calls = small_backend(), 0
    decode = backend.decode

    def called(x0: Tensor, condition: Condition) -> Tensor:
        nonlocal calls
        calls += 1
        if calls == 6:  # the second picture of the second chunk
            raise no_memory()
        return decode(x0, condition)

    backend.decode = called  # type: ignore[method-assign]
    assert job.run(backend)["event"] == "rendered"
    assert [event["rung"] for event in job.kinds("adapted")] == [1]
    assert [chunk.recipe["rung"] for chunk in job.chunks] == [0, 1, 1]
    assert pictures_of(job.folder, job.chunks) == whole(job, tmp_path)


def test_the_rung_is_said_before_anything_is_tried_on_it(job: Rendering) -> None:
    """A worker that dies on a rung must not begin above it."""
    told: list[int] = []

    def when(number: int, x: Tensor) -> BaseException | None:
        told.append(len(job.kinds("adapted")))
        return no_memory() if number == 1 else None

    job.run(failing(when))
    assert told[:2] == [0, 1]


def test_a_smaller_chunk_goes_on_from_the_one_that_is_finished(job: Rendering, tmp_path: Path) -> None:
    """Frames come in fours, and from the second chunk on the device takes three."""
    final = job.run(failing(lambda number, x: no_memory() if number > 2 and len(x) > 3 else None))
    assert final["event"] == "rendered"
    assert [event["rung"] for event in job.kinds("adapted")] == [1, 2]
    assert [(chunk.first, chunk.stop) for chunk in job.chunks] == [(0, 4), (4, 6), (6, 8), (8, 11)]
    # The same as a run that another process begins on that rung, after that chunk.
    other = Rendering(job.clip, tmp_path / "other")
    other.run()
    first = other.chunks[0]
    other.events.clear()
    other.run(resume=first, rung=2)
    assert pictures_of(other.folder, [first, *other.chunks]) == pictures_of(job.folder, job.chunks)
    assert [c.recipe for c in other.chunks] == [c.recipe for c in job.chunks[1:]]


def test_each_rung_is_tried_once_and_the_end_is_said_plainly(job: Rendering) -> None:
    with pytest.raises(JobFailedError, match="Out of memory") as failure:
        job.run(failing(lambda number, x: no_memory() if number > 2 else None))
    assert failure.value.remedy
    assert [event["rung"] for event in job.kinds("adapted")] == [1, 2, 3, 4]
    assert all(event["message"] for event in job.kinds("adapted"))
    assert [(chunk.first, chunk.stop) for chunk in job.chunks] == [(0, 4)]
    # With more memory the job goes on after the chunk that is there.
    last = job.chunks[-1]
    assert job.run(resume=last)["event"] == "rendered"
    assert job.chunks[-1].stop == FRAMES


def test_no_tensor_of_the_lost_chunk_outlives_the_failure(job: Rendering, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[weakref.ref[Tensor]] = []
    alive: list[int] = []

    def when(number: int, x: Tensor) -> BaseException | None:
        if number == 2:
            held.extend([weakref.ref(x), weakref.ref(torch.zeros(1))])
            return no_memory()
        return None

    def release(self: DeviceMemory) -> None:
        gc.collect()
        alive.append(sum(1 for each in held if each() is not None))

    monkeypatch.setattr(DeviceMemory, "release", release)
    job.run(failing(when))
    assert alive == [0]


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory: you tried ..."),
        RuntimeError("MPS backend out of memory (MPS allocated: 5.4 GB)"),
    ],
)
def test_what_says_that_memory_ran_out_is_known(error: BaseException) -> None:
    assert is_out_of_memory(error)


def test_other_failures_are_not_taken_for_it(job: Rendering) -> None:
    assert not is_out_of_memory(RuntimeError("shape mismatch"))
    with pytest.raises(RuntimeError, match="shape"):
        job.run(failing(lambda number, x: RuntimeError("shape mismatch")))
    assert job.kinds("adapted") == []


def test_rungs_take_less_and_less() -> None:
    recipes = [
        ChunkSettings.at(rung, chunk=8, tile_cells=160, latent_size=(240, 134)) for rung in range(len(FALLBACKS))
    ]
    assert [(r.chunk, r.tile_cells, r.batch) for r in recipes] == [
        (8, 160, 0), (8, 160, 0), (4, 160, 0), (4, 80, 0), (4, 80, 1),
    ]  # fmt: skip
    small = ChunkSettings.at(3, chunk=1, tile_cells=160, latent_size=(80, 34))
    assert (small.chunk, small.tile_cells) == (1, 40)
    assert ChunkSettings.at(3, chunk=1, tile_cells=0, latent_size=(10, 10)).tile_cells == 32


def test_a_recipe_is_replayed_while_the_rung_is_the_same() -> None:
    usual = ChunkSettings(8, 160, 0, 2)
    kept = ChunkSettings(5, 96, 0, 2).to_json(opens_shot=True)
    assert ChunkSettings.replayed(kept, usual) == ChunkSettings(5, 96, 0, 2)
    assert ChunkSettings.replayed(kept, ChunkSettings(8, 160, 0, 3)) == ChunkSettings(8, 160, 0, 3)
    assert ChunkSettings.replayed({}, usual) == usual
