"""A processor that computes in 16 bits does so by itself where the picture stays the same, and nowhere else."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pytest
import torch
from torch import Tensor

from answerprint.backends.base import number_type
from answerprint.backends.catalogue import families
from answerprint.backends.generator.adapter import GeneratorBackend
from answerprint.backends.network_state import dtype_for, offload_layer, processor_has_bf16
from backends.builders import CPU, small_ldm_sr
from backends.builders_full_generator import SMALL, small_generator
from metrics.scenes import pan

LEAST_DB = 50.0
"""What counts as the same picture; see `BackendInfo.half_is_equal`."""


def computing(monkeypatch: pytest.MonkeyPatch, **capabilities: bool) -> None:
    """Let the processor say what it can do."""
    told: Mapping[str, bool] = capabilities
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: told)


def set_precision(backend: GeneratorBackend, precision: str) -> GeneratorBackend:
    backend.configure(steps=1, sampler="one-step", options={"precision": precision})
    return backend


def picture(backend: GeneratorBackend) -> Tensor:
    low = torch.stack([torch.from_numpy(frame.transpose(2, 0, 1).copy()) for frame in pan(2, 24, 32)])
    condition = backend.condition(low)
    return backend.decode(backend.predict(torch.empty(0), 0, condition), condition)


def psnr(a: Tensor, b: Tensor) -> float:
    """dB, of pictures in [0, 1]."""
    return -10 * math.log10(float((a.clamp(0, 1) - b.clamp(0, 1)).square().mean()))


@pytest.mark.parametrize(
    ("capabilities", "has"),
    [({}, False), ({"avx512_bf16": True}, True), ({"amx_bf16": True}, True), ({"avx512_f": True}, False)],
)
def test_a_processor_says_whether_it_multiplies_16_bits(
    monkeypatch: pytest.MonkeyPatch, capabilities: dict[str, bool], has: bool
) -> None:
    computing(monkeypatch, **capabilities)
    assert processor_has_bf16() == has
    assert dtype_for("auto", CPU, half_is_equal=True) == (torch.bfloat16 if has else torch.float32)
    assert dtype_for("auto", CPU) == torch.float32
    assert dtype_for("fp32", CPU, half_is_equal=True) == torch.float32


def test_an_older_pytorch_says_nothing_so_nothing_is_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities")
    assert not processor_has_bf16()


def test_automatic_takes_16_bits_where_the_picture_stays_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    assert number_type(set_precision(small_generator(), "auto")) == "float32"
    computing(monkeypatch, avx512_bf16=True)
    assert number_type(set_precision(small_generator(), "auto")) == "bfloat16"
    other = small_ldm_sr()
    assert not other.info.half_is_equal
    assert number_type(other) == "float32"


def test_shapes_without_numbers_are_taken_by_such_a_processor_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are checked without their numbers before a model of them is kept."""
    computing(monkeypatch, avx512_bf16=True)
    network = small_generator()._network.to("meta")
    assert number_type(GeneratorBackend(network, torch.device("meta"))) == "bfloat16"


@pytest.mark.parametrize("kind", list(SMALL))
def test_pictures_in_16_bits_are_those_in_32(kind: str) -> None:
    """The network is forced to, also where the processor emulates it."""
    backend = small_generator(kind)
    assert backend.info.half_is_equal
    exact = picture(set_precision(backend, "fp32"))
    near = picture(set_precision(backend, "bf16"))
    assert backend.dtype == torch.bfloat16
    assert float(exact.std()) > 0.1, "there is hardly a picture to compare"
    assert not torch.equal(near, exact), "the option changed nothing"
    assert psnr(near, exact) >= LEAST_DB


def test_only_families_whose_pictures_were_measured_say_so() -> None:
    assert {name for name, info in families().items() if info.half_is_equal} == {"generator"}


def test_a_network_without_exact_parts_is_not_taken_for_equal(monkeypatch: pytest.MonkeyPatch) -> None:
    computing(monkeypatch, amx_bf16=True)
    network = small_generator()._network
    network.exact_parts = ()
    backend = GeneratorBackend(network, CPU)
    assert not backend.info.half_is_equal
    assert number_type(backend) == "float32"
    # It is shown what it computes in.
    assert bool(picture(set_precision(backend, "bf16")).isfinite().all())
    assert {p.dtype for p in network.parameters()} == {torch.bfloat16}


@pytest.mark.parametrize("kind", list(SMALL))
def test_the_first_layers_stay_in_single_precision_and_every_bit_comes_back(kind: str) -> None:
    backend = small_generator(kind)
    before, held = picture(backend), backend.weights_bytes
    set_precision(backend, "bf16")
    types = {name: p.dtype for name, p in backend._network.named_parameters()}
    first = {name for name in types if name.startswith(backend._network.exact_parts)}
    assert {types[name] for name in first} == {torch.float32}
    assert {types[name] for name in types if name not in first} == {torch.bfloat16}
    assert backend.weights_bytes < held
    half = picture(backend)
    assert torch.equal(picture(backend), half), "it does not repeat"
    assert torch.equal(picture(set_precision(backend, "fp32")), before)


def test_exact_parts_stay_exact_when_weights_wait_elsewhere() -> None:
    one, other = small_generator(), small_generator()
    for layer in other._network.modules():
        if isinstance(layer, torch.nn.Conv2d):
            offload_layer(layer, CPU)
    assert torch.equal(picture(set_precision(one, "bf16")), picture(set_precision(other, "bf16")))
