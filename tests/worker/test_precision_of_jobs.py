"""Precision is part of what a job is: of its fingerprint, its receipts, and the memory it is reckoned to take."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from answerprint.api.clip_ref import ClipRef
from answerprint.api.request import RestoreRequest
from answerprint.backends.catalogue import find_model
from answerprint.backends.generator.adapter import GeneratorBackend
from answerprint.backends.generator.info import INFO as GENERATOR
from answerprint.backends.ldm_sr.info import INFO
from answerprint.backends.precision import working_bytes
from answerprint.backends.tiny.info import INFO as TINY
from answerprint.errors import InputError
from answerprint.ipc.messages import Message
from answerprint.pipeline.choices import resolve
from answerprint.worker import loading, restore_job
from answerprint.worker.loading import configured, settings_for, usual_recipe
from answerprint.worker.memory_fallbacks import ChunkSettings
from answerprint.worker.requests import JobChannel, JobControls
from answerprint.worker.restore_job import is_estimate_wrong, memory_checked
from backends.builders import CPU, low_frames, small_ldm_sr
from backends.builders_full_generator import small_generator
from worker.rendering import models_of

HALF = {"precision": "bf16"}


class Said:
    """What is said over a job's channel."""

    def __init__(self) -> None:
        self.events: list[Message] = []
        self.channel = JobChannel(lambda event: self.events.append(dict(event)), JobControls(), {})

    @property
    def warnings(self) -> list[str]:
        return [str(event["message"]) for event in self.events if event["event"] == "warning"]


def order(**options: str) -> Any:  # noqa: ANN401 - the parts of an order that loading reads
    request = RestoreRequest(ClipRef("a"), "b", model="tiny-x4", steps=3, options=options)
    return SimpleNamespace(request=request, choices=resolve(request, INFO), latent_size=(16, 16), size=(64, 64))


def test_precision_is_among_the_choices_that_the_fingerprint_is_made_of() -> None:
    exact, half = (resolve(RestoreRequest(ClipRef("a"), "b", options=each), INFO) for each in ({}, HALF))
    assert dataclasses.asdict(exact) != dataclasses.asdict(half)
    assert half.model_options == HALF


@pytest.mark.parametrize("options", [{"precision": "int8"}, {"compile": "a bit"}])
def test_a_wrong_value_is_refused_before_a_model_is_loaded(options: dict[str, str]) -> None:
    with pytest.raises(InputError) as refusal:
        resolve(RestoreRequest(ClipRef("a"), "b", options=options), INFO)
    assert refusal.value.remedy


def test_the_tiny_model_has_no_precision_to_choose() -> None:
    with pytest.raises(InputError, match="precision"):
        resolve(RestoreRequest(ClipRef("a"), "b", options=HALF), TINY)


def test_a_warm_model_takes_the_precision_of_each_job() -> None:
    backend = small_ldm_sr()
    for options, dtype in ((HALF, torch.bfloat16), ({}, torch.float32), ({"precision": "fp16"}, torch.float16)):
        wanted = order(**options)
        recipe = usual_recipe(wanted, configured(wanted, backend))
        assert f"torch.{recipe.dtype}" == str(dtype)
        settings_for(wanted, backend, recipe)
        assert backend.dtype == dtype


def test_a_clip_that_goes_on_elsewhere_keeps_the_precision_of_its_receipt() -> None:
    backend = small_ldm_sr()
    wanted = order()
    usual = usual_recipe(wanted, configured(wanted, backend))
    assert usual.dtype == "float32"
    replayed = ChunkSettings.replayed(dataclasses.replace(usual, dtype="bfloat16").to_json(False), usual)
    settings_for(wanted, backend, replayed)
    assert backend.dtype == torch.bfloat16


def test_a_clip_begun_where_the_processor_has_16_bits_goes_on_so_elsewhere_and_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The receipt says in which numbers, not `auto`: every resumed chunk is what the first machine would have made."""
    choices = resolve(RestoreRequest(ClipRef("a"), "b", model="generator"), GENERATOR)
    wanted: Any = SimpleNamespace(
        request=RestoreRequest(ClipRef("a"), "b"), choices=choices, latent_size=(9, 9), size=(36, 36)
    )
    made: dict[bool, tuple[ChunkSettings, Tensor]] = {}
    for has in (False, True):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda has=has: {"avx512_bf16": has})
        backend = small_generator()
        recipe = usual_recipe(wanted, configured(wanted, backend))
        settings_for(wanted, backend, recipe)
        made[has] = recipe, _drawn(backend)
    assert [made[has][0].dtype for has in (False, True)] == ["float32", "bfloat16"]
    assert not torch.equal(made[False][1], made[True][1])
    for begun in (False, True):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda begun=begun: {"avx512_bf16": not begun})
        backend = small_generator()
        here = usual_recipe(wanted, configured(wanted, backend))
        settings_for(wanted, backend, ChunkSettings.replayed(made[begun][0].to_json(False), here))
        assert torch.equal(_drawn(backend), made[begun][1])


def _drawn(backend: GeneratorBackend) -> Tensor:
    """The picture of a small frame."""
    condition = backend.condition(low_frames(1, 9, 9))
    return backend.decode(backend.predict(torch.empty(0), 0, condition), condition)


def test_what_a_model_has_to_say_becomes_a_warning() -> None:
    backend, entry, said = small_ldm_sr(), find_model("tiny-x4"), Said()
    models = models_of(backend)
    with pytest.raises(ZeroDivisionError), models.use(entry, CPU, said.channel):
        backend._notices.append("It runs as it is.")
        raise ZeroDivisionError
    assert said.warnings == ["It runs as it is."]
    with models.use(entry, CPU, said.channel):
        pass
    assert len(said.warnings) == 1


@pytest.mark.parametrize(
    ("options", "device", "share"),
    [
        ({}, "", 1),
        ({}, "auto", 1),
        ({}, "cpu", 1),
        ({}, "cuda:0", 2),
        (HALF, "cpu", 2),
        ({"precision": "fp32"}, "mps", 1),
    ],
)
def test_half_precision_is_reckoned_to_take_half_the_memory(options: dict[str, str], device: str, share: int) -> None:
    assert working_bytes(INFO, options, device) * share == INFO.bytes_per_cell
    assert working_bytes(TINY, {}, device) == TINY.bytes_per_cell


@pytest.mark.parametrize(("taken", "astray"), [(0, False), (49, True), (50, False), (200, False), (201, True)])
def test_an_estimate_is_astray_beyond_twice_or_half(taken: int, astray: bool) -> None:
    assert is_estimate_wrong(100, taken) == astray


@pytest.mark.parametrize(("peak", "warnings"), [(30, 0), (90, 1)])
def test_a_wrong_estimate_is_said_where_the_device_can_tell(
    monkeypatch: pytest.MonkeyPatch, peak: int, warnings: int
) -> None:
    monkeypatch.setattr(restore_job, "peak_memory_bytes", lambda device: peak * 10**9)
    monkeypatch.setattr(restore_job, "DeviceMemory", lambda device: SimpleNamespace(used=lambda: 10 * 10**9))
    said = Said()
    with memory_checked(20 * 10**9, torch.device("cuda"), said.channel):
        pass
    assert len(said.warnings) == warnings
    with memory_checked(20 * 10**9, CPU, said.channel):
        pass
    assert len(said.warnings) == warnings, "the processor's memory cannot tell"


def test_a_clip_on_a_small_card_begins_in_a_smaller_way_and_keeps_a_rung_that_it_had(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    backend, wanted = small_ldm_sr(), order()
    assert usual_recipe(wanted, backend).rung == 0
    monkeypatch.setattr(loading, "room_on", lambda device: 30_000_000)
    begun = usual_recipe(wanted, backend)
    assert begun.rung == 2 and begun.chunk < wanted.choices.method.chunk
    assert usual_recipe(wanted, backend, 3).rung == 3
