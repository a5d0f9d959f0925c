"""State of networks on a device: the number type of their weights, compilation, and offloading of unused weights."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

__all__ = [
    "COMPILER",
    "Weights",
    "attention_layers",
    "compile_network",
    "compiler_failure",
    "dtype_for",
    "offload_networks",
    "processor_has_bf16",
    "uncompile_network",
]

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def dtype_for(precision: str, device: torch.device, *, half_is_equal: bool = False) -> torch.dtype:
    """The number type of the option `precision` on `device`; see `BackendInfo.half_is_equal`.

    bfloat16 is preferred to float16, in which networks may overflow, unless it is emulated (GPUs before 2020), which is
    slow.
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
    """Whether this CPU has native bfloat16 multiplication (AVX512-BF16 or AMX).

    oneDNN's "supported" includes CPUs that emulate it, which is slower. Arm was not measured.
    """
    read = getattr(torch.cpu, "get_capabilities", None)  # since PyTorch 2.11
    if read is None:
        return False
    capabilities = read()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


class Weights:
    """Weights of networks; the float32 originals stay in the computer's memory while rounded ones are used.

    A warm model can therefore change its precision from job to job, and gives the same result as a newly loaded one. A
    network may list parts that always stay in float32 in its attribute `exact_parts`.
    """

    def __init__(self, networks: Sequence[nn.Module], device: torch.device, dtype: torch.dtype) -> None:
        """Move float32 networks to `device`; rounds first, so that the device never holds the larger weights."""
        self._networks = networks
        self._exact: list[Tensor] = []
        self.dtype = torch.float32
        """Number type of the weights."""
        if dtype != self.dtype:
            self.cast(dtype)
        for network in networks:
            network.to(device)

    def cast(self, dtype: torch.dtype) -> None:
        """Convert all weights to `dtype`, rounded from float32; offloaded weights stay offloaded."""
        if dtype == self.dtype:
            return
        # Looked up each time: offloading replaces the parameters.
        parameters = [parameter for network in self._networks for parameter in _roundable(network)]
        # Shapes alone, as a check of files has them, have no numbers to keep.
        exact = self._exact or [each.detach() if each.is_meta else each.detach().cpu() for each in parameters]
        for parameter, weight in zip(parameters, exact, strict=True):
            parameter.data = weight.to(parameter.device, dtype)
        self.dtype, self._exact = dtype, [] if dtype == torch.float32 else exact


def _roundable(network: nn.Module) -> list[nn.Parameter]:
    """The parameters of a network without its exact parts, in a fixed order."""
    exact: Sequence[str] = getattr(network, "exact_parts", ())
    parts = tuple(f"{part}." for part in exact)
    return [parameter for name, parameter in network.named_parameters() if not name.startswith(parts)]


COMPILER = "inductor"


def compile_network(network: nn.Module) -> str:
    """Compile `network` in place on its first run; returns the reason if that is impossible, else an empty text.

    Attention is excluded: its hook depends on the values of tokens, which a compiled graph cannot. Compiled code
    depends on the shapes seen before: a first call differed by 5e-7 from later ones (measured).
    """
    for _, layer in attention_layers(network):
        layer.forward = torch.compiler.disable(layer.forward)  # type: ignore[no-untyped-call]
    try:
        network.compile(backend=COMPILER)
    except (ImportError, RuntimeError) as error:  # in packages without the compiler, and on some systems
        return compiler_failure(error) or str(error)
    return ""


def uncompile_network(network: nn.Module) -> None:
    """Undo `compile_network`."""
    network._compiled_call_impl = None
    for _, layer in attention_layers(network):
        vars(layer).pop("forward", None)


def attention_layers(network: nn.Module) -> list[tuple[str, Any]]:
    """All attention layers of diffusers in `network`, by name.

    diffusers is not imported for that, as it takes seconds: a network that has such a layer has imported it.
    """
    known = sys.modules.get("diffusers.models.attention_processor")
    if known is None:
        return []
    return [(name, module) for name, module in network.named_modules() if isinstance(module, known.Attention)]


def compiler_failure(error: Exception) -> str:
    """Why compilation failed (no C++ compiler or Triton, unsupported network); empty for other errors."""
    from torch._dynamo.exc import TorchDynamoException  # slow to import: only after a failure

    if not isinstance(error, TorchDynamoException):
        return ""
    return " ".join(str(error).partition("\n\n")[0].split()) or type(error).__name__


_BULKY = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
"""Layers that hold nearly all weights, and whose weights only their own `forward` reads."""


def offload_networks(networks: Iterable[nn.Module], device: torch.device) -> None:
    """Offload each large layer: its weights are on `device` only while it runs. Cannot be undone.

    Does nothing on the CPU. diffusers' group offloading is not used because it needs accelerate.
    """
    if device.type == "cpu":
        return
    for network in networks:
        for layer in network.modules():
            if isinstance(layer, _BULKY):
                offload_layer(layer, device)


def offload_layer(layer: nn.Module, device: torch.device) -> None:
    """Keep the weights of one layer in the computer's memory except while it runs."""
    waiting = {
        name: nn.Parameter(weight.detach().cpu(), requires_grad=False)
        for name, weight in layer.named_parameters(recurse=False)
    }
    layer._parameters.update(waiting)
    forward = layer.forward

    def run_on_device(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - whatever the layer takes and gives
        for name, weight in waiting.items():
            layer._parameters[name] = nn.Parameter(weight.to(device), requires_grad=False)
        try:
            return forward(*args, **kwargs)
        finally:
            layer._parameters.update(waiting)

    layer.forward = run_on_device
