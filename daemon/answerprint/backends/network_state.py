"""Weights on a device in one number type, which can become another: what rounding takes away is not lost.

torch.compile for networks whose attention is somebody else's, and how to do without it again.

Keeping a network's weights out of the device's memory while they are not used.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from diffusers.models.attention_processor import Attention
from torch import Tensor, nn

__all__ = [
    "COMPILER",
    "Weights",
    "compile_network",
    "compiler_failure",
    "dtype_for",
    "offload_networks",
    "processor_has_bf16",
    "uncompile_network",
]

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def dtype_for(precision: str, device: torch.device, *, half_is_equal: bool = False) -> torch.dtype:
    """The number type that the option `precision` means on `device`, for a model as `BackendInfo.half_is_equal` says.

    bfloat16 goes before float16, which networks may overflow; emulated, as on graphics cards before 2020, it is slow.
    """
    if precision != "auto":
        return _DTYPES[precision]
    if device.type == "cuda":
        emulates = not torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.float16 if emulates else torch.bfloat16
    if device.type == "mps":
        return torch.float16
    return torch.bfloat16 if half_is_equal and processor_has_bf16() else torch.float32


def processor_has_bf16() -> bool:
    """Whether this computer's processor multiplies bfloat16 itself (AVX512-BF16 or AMX), not by way of float32.

    What oneDNN calls supported includes processors that emulate it, which makes it slower. Of Arm nothing was measured.
    """
    read = getattr(torch.cpu, "get_capabilities", None)  # since PyTorch 2.11
    if read is None:
        return False
    capabilities = read()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


class Weights:
    """The weights of networks, of which float32 ones are kept in the computer's memory while rounded ones are used.

    So a model that stays warm can change its precision from job to job, and gives what a fresh one would give.
    A network may name parts, in its attribute `exact_parts`, that stay in float32 always.
    """

    def __init__(self, networks: Sequence[nn.Module], device: torch.device, dtype: torch.dtype) -> None:
        """Bring float32 networks to `device`, rounding first: the device never holds more than it needs."""
        self._networks = networks
        self._exact: list[Tensor] = []
        self.dtype = torch.float32
        """Of the weights."""
        if dtype != self.dtype:
            self.cast(dtype)
        for network in networks:
            network.to(device)

    def cast(self, dtype: torch.dtype) -> None:
        """Have all weights in `dtype`, rounded from float32; where they wait outside the device, they go on so."""
        if dtype == self.dtype:
            return
        # Looked up each time: offloading puts other parameters in their places.
        parameters = [parameter for network in self._networks for parameter in _roundable(network)]
        exact = self._exact or [parameter.detach().cpu() for parameter in parameters]
        for parameter, weight in zip(parameters, exact, strict=True):
            parameter.data = weight.to(parameter.device, dtype)
        self.dtype, self._exact = dtype, [] if dtype == torch.float32 else exact


def _roundable(network: nn.Module) -> list[nn.Parameter]:
    """The parameters of a network, without those of its exact parts, in an order that is always the same."""
    exact: Sequence[str] = getattr(network, "exact_parts", ())
    parts = tuple(f"{part}." for part in exact)
    return [parameter for name, parameter in network.named_parameters() if not name.startswith(parts)]


COMPILER = "inductor"


def compile_network(network: nn.Module) -> str:
    """Have `network` compiled in place when it first runs; returns why it cannot be, empty where it can so far.

    Attention is left out: what its hook does depends on the values of tokens, which a compiled network cannot know.
    Shapes that were seen before decide which code runs: a first call was measured to differ by 5e-7 from later ones.
    """
    for module in network.modules():
        if isinstance(module, Attention):
            module.forward = torch.compiler.disable(module.forward)  # type: ignore[no-untyped-call]
    try:
        network.compile(backend=COMPILER)
    except (ImportError, RuntimeError) as error:  # of packages that do not have the compiler, and of some systems
        return compiler_failure(error) or str(error)
    return ""


def uncompile_network(network: nn.Module) -> None:
    """Run `network` as it was written."""
    network._compiled_call_impl = None
    for module in network.modules():
        if isinstance(module, Attention):
            vars(module).pop("forward", None)


def compiler_failure(error: Exception) -> str:
    """Why the compiler failed: no C++ compiler or Triton, or a network beyond it; empty for an error of the network."""
    from torch._dynamo.exc import TorchDynamoException  # slow to import: only after a failure

    if not isinstance(error, TorchDynamoException):
        return ""
    return " ".join(str(error).partition("\n\n")[0].split()) or type(error).__name__


_BULKY = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
"""Layers that hold nearly all weights, and use them only in their own `forward`: others may be read from outside."""


def offload_networks(networks: Iterable[nn.Module], device: torch.device) -> None:
    """Let each large layer bring its weights to `device` when it runs, and drop them after; it cannot be undone.

    On the CPU the weights are where they would go. diffusers' own group offloading is not used: it needs accelerate.
    """
    if device.type == "cpu":
        return
    for network in networks:
        for layer in network.modules():
            if isinstance(layer, _BULKY):
                bring_when_used(layer, device)


def bring_when_used(layer: nn.Module, device: torch.device) -> None:
    """Keep the weights of one layer in the computer's memory, but for the time in which it runs."""
    waiting = {
        name: nn.Parameter(weight.detach().cpu(), requires_grad=False)
        for name, weight in layer.named_parameters(recurse=False)
    }
    layer._parameters.update(waiting)
    forward = layer.forward

    def brought(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - whatever the layer takes and gives
        for name, weight in waiting.items():
            layer._parameters[name] = nn.Parameter(weight.to(device), requires_grad=False)
        try:
            return forward(*args, **kwargs)
        finally:
            layer._parameters.update(waiting)

    layer.forward = brought
