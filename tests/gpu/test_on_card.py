"""On an NVIDIA card: every family restores, repeats to the bit, is near itself in 16 bits, and gives memory back.

The same promises are kept on the processor wherever there is no card, so that these tests are never only written.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from av.video.frame import VideoFrame

from answerprint.api.clip_ref import ClipRef
from answerprint.api.request import RestoreRequest
from answerprint.backends.base import Backend, number_type
from answerprint.backends.load import load
from answerprint.flow.registry import get_estimator
from answerprint.flow.source import FlowSource
from answerprint.frames import Frame
from answerprint.frames.frame import Picture
from answerprint.metrics.stages import drawn_clip
from answerprint.pipeline.choices import Choices, resolve
from answerprint.pipeline.restore_clip import ClipSettings, restore_clip
from answerprint.worker.devices import DeviceMemory
from answerprint.worker.loading import tiles_for
from gpu.full_size import MODELS, Model
from gpu.measuring import psnr
from media.makers import make_movie
from worker.rendering import Rendering, pictures_of

CARD = pytest.param(
    "cuda:0",
    marks=[pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")],
)
DEVICES = ["cpu", CARD]

LEAST_DB = {"bf16": 40.0, "fp16": 50.0}
"""Between whole restorations in 16 and in 32 bits, random weights, by the range of the picture. A processor gives 48 to
63 and 67 to 80; a card's convolutions round what is in 32 bits to TF32."""
NEAR_DB = 60.0
"""Between two runs whose weights are the same and lie elsewhere: a card may choose other kernels."""

FRAMES, WIDTH, HEIGHT = 5, 24, 16
CHUNK = 3
CROWDED_FRAMES = 8


@pytest.fixture(autouse=True)
def plain_processor(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One thread, which is the fastest for networks this small, and no 16 bits of its own accord."""
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def made(model: Model, device: str, precision: str = "auto") -> tuple[Backend, Choices]:
    """A small model with the weights that the processor draws, on a device, set to few steps."""
    backend = model.make(torch.device(device), True)
    request = RestoreRequest(
        ClipRef("in"), "out", model=model.name, task=model.task, chunk=CHUNK, options=model.options
    )
    choices = resolve(request, backend.info)
    backend.configure(
        steps=min(3, choices.steps),
        sampler=choices.sampler,
        options={**choices.model_options, "precision": precision},
    )
    return backend, choices


def restored(backend: Backend, choices: Choices, clip: list[Frame] | None = None) -> list[Picture]:
    """Pictures of a clip of a chunk and one that is tied to it, in tiles where the family has them."""
    settings = ClipSettings(choices.method, seed=5, tiles=tiles_for(backend.info, 24 if backend.info.tile_cells else 0))
    clip = clip or drawn_clip(FRAMES, WIDTH, HEIGHT)
    chunks = restore_clip(clip, backend, FlowSource(get_estimator("dis")), settings)
    return [frame.picture for chunk in chunks for frame in chunk]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_every_family_restores_two_chunks_and_repeats_to_the_bit(model: Model, device: str) -> None:
    backend, choices = made(model, device)
    assert number_type(backend) == ("float32" if device == "cpu" else "bfloat16")
    one, again = restored(backend, choices), restored(backend, choices)
    assert [picture.shape for picture in one] == [(HEIGHT * model.enlarges, WIDTH * model.enlarges, 3)] * FRAMES
    assert all(np.isfinite(picture).all() for picture in one)
    assert float(np.std(one)) > 1e-3
    assert all(np.array_equal(a, b) for a, b in zip(one, again, strict=True))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_16_bits_give_nearly_what_32_give(model: Model, device: str) -> None:
    backend, choices = made(model, device, "fp32")
    exact = restored(backend, choices)
    for precision, least in LEAST_DB.items():
        backend.configure(
            steps=min(3, choices.steps),
            sampler=choices.sampler,
            options={**choices.model_options, "precision": precision},
        )
        assert psnr(restored(backend, choices), exact) > least, precision


@pytest.mark.parametrize("device", [CARD])
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_weights_that_wait_in_the_computers_memory_give_the_same(model: Model, device: str) -> None:
    backend, choices = made(model, device)
    expected = restored(backend, choices)
    DeviceMemory(torch.device(device)).release()
    before = torch.cuda.memory_allocated(device)
    backend.offload()
    DeviceMemory(torch.device(device)).release()
    assert torch.cuda.memory_allocated(device) < before
    assert psnr(restored(backend, choices), expected) > NEAR_DB


@pytest.mark.parametrize("device", [CARD])
def test_a_card_without_room_ends_on_a_smaller_way_of_working(
    device: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The allocator itself says that memory ran out, most of the card being somebody else's; the clip is whole."""
    monkeypatch.setenv("ANSWERPRINT_HOME", str(tmp_path / "home"))
    clip = written_clip(tmp_path / "clip.mkv", CROWDED_FRAMES, 480, 270)
    backend = load("tiny-x4", torch.device(device))

    def done(name: str) -> tuple[Rendering, int]:
        """A job, and the most that its tensors took beside the model."""
        DeviceMemory(torch.device(device)).release()
        held = torch.cuda.memory_allocated(device)
        torch.cuda.reset_peak_memory_stats(device)
        job = Rendering(clip, tmp_path / name, {"device": device, "chunk": CROWDED_FRAMES})
        assert job.run(backend)["event"] == "rendered"
        return job, torch.cuda.max_memory_allocated(device) - held

    usual_job, usual = done("usual")
    assert not usual_job.kinds("adapted") and usual > 200 * 2**20
    DeviceMemory(torch.device(device)).release()
    free, _ = torch.cuda.mem_get_info(device)
    ballast = torch.empty(free - int(0.75 * usual), dtype=torch.uint8, device=device)
    job, _ = done("crowded")
    assert len(ballast) > 0
    rungs = [int(str(event["rung"])) for event in job.kinds("adapted")]
    assert rungs and rungs == list(range(1, len(rungs) + 1))
    assert sum(chunk.stop - chunk.first for chunk in job.chunks) == CROWDED_FRAMES
    assert pictures_of(job.folder, job.chunks)


def written_clip(path: Path, frames: int, width: int, height: int) -> Path:
    """A lossless movie of a drawn clip."""
    codes = [np.rint(frame.picture * 255).astype(np.uint8) for frame in drawn_clip(frames, width, height)]
    return make_movie(
        path, [VideoFrame.from_ndarray(each, format="rgb24").reformat(format="bgr0") for each in codes], codec="ffv1"
    )
