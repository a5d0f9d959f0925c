"""Half precision stays inside the network, costs little, and can be taken back; compiling may fail without harm."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from diffusers import UNet2DModel
from torch import Tensor, nn

from answerprint.backends import network_state
from answerprint.backends.base import cast, number_type
from answerprint.backends.info import BackendInfo
from answerprint.backends.latent import HookedNetworks
from answerprint.backends.ldm_sr.adapter import LdmSrBackend
from answerprint.backends.network_state import Weights, compile_network, dtype_for, offload_layer, uncompile_network
from answerprint.backends.precision import COMPILE, PRECISION, bytes_per_number
from answerprint.errors import InputError
from answerprint.temporal.options import MethodOptions
from answerprint.temporal.protocols import Correspondence
from answerprint.temporal.sampler import ChunkMotion
from backends.builders import CPU, LDM_SCHEDULER, low_frames, small_codec, small_ldm_sr, small_tiny
from backends.builders_diffbir import small_diffbir
from backends.builders_marigold import small_marigold
from backends.builders_one_step import small_one_step
from backends.builders_sd_x4 import small_sd_x4
from backends.contract import MIXED, latent_noise, restore

MAKERS: dict[str, Callable[[], Any]] = {
    "ldm_sr": small_ldm_sr,
    "sd_x4": small_sd_x4,
    "diffbir": small_diffbir,
    "marigold": small_marigold,
    "sd_one_step": small_one_step,
}

LEAST_PSNR = {"bf16": 35.0, "fp16": 50.0}
"""dB between what a network predicts in half and in single precision, random weights: bf16 has 8 bits, fp16 11."""


@pytest.fixture(scope="module", params=list(MAKERS))
def backend(request: pytest.FixtureRequest) -> Any:  # noqa: ANN401 - any family's
    """Shared by the tests of one family; each sets the options that it depends on."""
    return MAKERS[request.param]()


def set_options(backend: Any, **options: str) -> None:  # noqa: ANN401
    """Few steps, and options by name."""
    info: BackendInfo = backend.info
    backend.configure(steps=min(3, info.most_steps or 3), sampler=info.samplers[0], options=options)


def predict(backend: Any) -> Tensor:  # noqa: ANN401
    condition = backend.condition(low_frames(2, 16, 24))
    out: Tensor = backend.predict(latent_noise(condition), MIXED, condition)
    return out


def psnr(a: Tensor, b: Tensor) -> float:
    """dB, the peak being the range of `b`."""
    peak = float(b.max() - b.min())
    return 10 * math.log10(peak**2 / float((a - b).square().mean()))


def float_types(network: nn.Module) -> set[torch.dtype]:
    return {parameter.dtype for parameter in network.parameters()}


class EdgeWatch:
    """Notes which number types go into a network and come out."""

    def __init__(self, *networks: nn.Module) -> None:
        self.seen: set[torch.dtype] = set()
        for network in networks:
            network.register_forward_hook(self._note, with_kwargs=True)

    def _note(self, module: nn.Module, args: Any, named: Any, out: Any) -> None:  # noqa: ANN401
        for each in (*args, *named.values(), out):
            self._add(each)

    def _add(self, value: object) -> None:
        if isinstance(value, Tensor) and value.is_floating_point():
            self.seen.add(value.dtype)
        elif isinstance(value, (tuple, list)):
            for each in value:
                self._add(each)


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precision_is_near_single(backend: Any, precision: str) -> None:  # noqa: ANN401
    set_options(backend, precision="fp32")
    exact = predict(backend)
    set_options(backend, precision=precision)
    near = predict(backend)
    assert near.dtype == torch.float32
    assert not torch.equal(near, exact), "the option changed nothing"
    assert psnr(near, exact) > LEAST_PSNR[precision]


def test_half_precision_stays_inside_the_networks_that_denoise(backend: HookedNetworks) -> None:
    set_options(backend, precision="bf16")
    watch, around = EdgeWatch(*backend._denoisers), EdgeWatch(*backend._others)
    condition = backend.condition(low_frames(1, 16, 16))  # type: ignore[attr-defined]
    x = latent_noise(condition)
    out = backend.predict(x, MIXED, condition)  # type: ignore[attr-defined]
    picture = backend.decode(out, condition)  # type: ignore[attr-defined]
    assert watch.seen == {torch.bfloat16}
    assert around.seen <= {torch.float32}
    assert out.dtype == picture.dtype == torch.float32
    assert {dtype for each in backend._denoisers for dtype in float_types(each)} == {torch.bfloat16}
    assert {dtype for each in backend._others for dtype in float_types(each)} == {torch.float32}


def test_going_back_to_single_precision_gives_every_bit_back(backend: Any) -> None:  # noqa: ANN401
    set_options(backend, precision="fp32")
    before = predict(backend)
    for precision in ("bf16", "fp16"):
        set_options(backend, precision=precision)
    fresh = MAKERS[backend.info.family]()
    set_options(fresh, precision="fp16")
    assert torch.equal(predict(backend), predict(fresh)), "rounded twice"
    set_options(backend, precision="fp32")
    assert torch.equal(predict(backend), before)


def test_whole_method_runs_in_half_precision_and_repeats(backend: Any) -> None:  # noqa: ANN401
    set_options(backend, precision="bf16")
    low = low_frames(3, 16, 24)
    still = Correspondence(torch.zeros(2, 16, 24), torch.ones(16, 24), torch.ones(16, 24))
    links = [None if k == 1 else still for k in range(3)]
    options = MethodOptions(match_mid="cosine", merge_max_scale=64)
    one, again = (restore(backend, low, 1, options, ChunkMotion(links, links, None)) for _ in range(2))
    assert one.dtype == torch.float32 and bool(one.isfinite().all())
    assert torch.equal(one, again)


@pytest.mark.parametrize("options", [{"precision": "int8"}, {"precision": "float16"}, {"compile": "maybe"}])
def test_wrong_options_are_refused_and_leave_the_old_ones(backend: Any, options: dict[str, str]) -> None:  # noqa: ANN401
    set_options(backend, precision="bf16")
    with pytest.raises(InputError) as refusal:
        set_options(backend, **options)
    assert refusal.value.remedy
    assert backend.dtype == torch.bfloat16


def test_the_tiny_model_stays_in_single_precision() -> None:
    backend = small_tiny()
    assert number_type(backend) == "float32"
    with pytest.raises(InputError):
        set_options(backend, precision="bf16")


def test_number_types_go_by_name_as_receipts_keep_them() -> None:
    backend = small_ldm_sr()
    assert number_type(backend) == "float32"
    cast(backend, "bfloat16")
    assert (number_type(backend), backend.dtype) == ("bfloat16", torch.bfloat16)
    with pytest.raises(ValueError, match="int8"):
        cast(backend, "int8")


@pytest.mark.parametrize(
    ("precision", "device", "dtype"),
    [
        ("auto", "cpu", torch.float32),
        ("auto", "mps", torch.float16),
        ("fp32", "cuda", torch.float32),
        ("bf16", "cpu", torch.bfloat16),
        ("fp16", "mps", torch.float16),
    ],
)
def test_precision_means_a_number_type_on_a_device(precision: str, device: str, dtype: torch.dtype) -> None:
    assert dtype_for(precision, torch.device(device)) == dtype
    assert bytes_per_number(precision, device) == dtype.itemsize


@pytest.mark.parametrize(("modern", "dtype"), [(True, torch.bfloat16), (False, torch.float16)])
def test_automatic_on_a_graphics_card_depends_on_its_age(
    monkeypatch: pytest.MonkeyPatch, modern: bool, dtype: torch.dtype
) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: modern)
    assert dtype_for("auto", torch.device("cuda")) == dtype
    assert bytes_per_number("auto", "cuda:0") == 2


def test_weights_that_are_not_rounded_are_kept_once() -> None:
    network = nn.Linear(3, 3)
    pointer = network.weight.data_ptr()
    weights = Weights([network], CPU, torch.float32)
    assert weights._exact == [] and network.weight.data_ptr() == pointer
    weights.cast(torch.float16)
    weights.cast(torch.float32)
    assert weights._exact == [] and network.weight.data_ptr() == pointer


def test_weights_that_wait_elsewhere_are_cast_too() -> None:
    network = nn.Linear(3, 3)
    weights = Weights([network], CPU, torch.float32)
    offload_layer(network, CPU)
    weights.cast(torch.bfloat16)
    assert network(torch.ones(1, 3, dtype=torch.bfloat16)).dtype == torch.bfloat16


def shallow_ldm_sr() -> LdmSrBackend:
    """Two levels, one of them with attention: compilers take seconds for each block."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = UNet2DModel(
            in_channels=6,
            out_channels=3,
            block_out_channels=(8, 8),
            down_block_types=("DownBlock2D", "AttnDownBlock2D"),
            up_block_types=("AttnUpBlock2D", "UpBlock2D"),
            layers_per_block=1,
            attention_head_dim=8,
            norm_num_groups=4,
        )
        return LdmSrBackend(network, small_codec(), LDM_SCHEDULER, CPU)


class TestCompiling:
    def test_a_compiled_network_gives_what_it_gave_and_hooks_still_work(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """By the compiler `eager`, which finds the graphs and runs them as they are."""
        monkeypatch.setattr(network_state, "COMPILER", "eager")
        backend = shallow_ldm_sr()
        set_options(backend)
        plain = predict(backend)
        set_options(backend, compile="on")
        assert torch.allclose(predict(backend), plain, atol=1e-5)
        called: list[str] = []
        backend.set_hook(lambda layer, tokens, ops: called.append(layer.name))
        predict(backend)
        assert called == [layer.name for layer in backend.layers]
        assert backend.take_notices() == []
        set_options(backend)
        assert torch.equal(predict(backend), plain)

    def test_a_failing_compiler_is_done_without_and_said_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(graph: object, inputs: object) -> None:
            raise OSError("no C++ compiler")

        monkeypatch.setattr(network_state, "COMPILER", broken)
        backend = shallow_ldm_sr()
        set_options(backend)
        plain = predict(backend)
        set_options(backend, compile="on")
        assert torch.equal(predict(backend), plain)
        assert torch.equal(predict(backend), plain)
        (notice,) = backend.take_notices()
        assert "no C++ compiler" in notice
        assert backend.take_notices() == []

    def test_errors_of_the_network_itself_are_not_hidden(self) -> None:
        backend = shallow_ldm_sr()
        condition = backend.condition(low_frames(1, 8, 8))
        with pytest.raises(RuntimeError):
            backend.predict(torch.zeros(1, 7, 8, 8), MIXED, condition)
        assert backend.take_notices() == []

    def test_a_compiler_that_is_not_there_is_done_without(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(network_state, "COMPILER", "of another package")
        backend = shallow_ldm_sr()
        set_options(backend, compile="on")
        assert bool(predict(backend).isfinite().all())
        assert len(backend.take_notices()) == 1

    def test_nothing_of_it_is_left_afterwards(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(network_state, "COMPILER", "eager")
        network = shallow_ldm_sr()._network
        compile_network(network)
        uncompile_network(network)
        assert network._compiled_call_impl is None
        assert all("forward" not in vars(module) for module in network.modules())


def test_every_large_family_offers_both() -> None:
    for make in MAKERS.values():
        assert {PRECISION, COMPILE} <= set(make().info.options)
