"""Weights on a device in one number type, which can become another: what rounding takes away is not lost."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

__all__ = ["Weights", "dtype_for"]

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def dtype_for(precision: str, device: torch.device) -> torch.dtype:
    """The number type that the option `precision` means on `device`.

    bfloat16 goes before float16, which networks may overflow; emulated, as on graphics cards before 2020, it is slow.
    """
    if precision != "auto":
        return _DTYPES[precision]
    if device.type == "cuda":
        emulates = not torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.float16 if emulates else torch.bfloat16
    return torch.float16 if device.type == "mps" else torch.float32


class Weights:
    """The weights of networks, of which float32 ones are kept in the computer's memory while rounded ones are used.

    So a model that stays warm can change its precision from job to job, and gives what a fresh one would give.
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
        parameters = [parameter for network in self._networks for parameter in network.parameters()]
        exact = self._exact or [parameter.detach().cpu() for parameter in parameters]
        for parameter, weight in zip(parameters, exact, strict=True):
            parameter.data = weight.to(parameter.device, dtype)
        self.dtype, self._exact = dtype, [] if dtype == torch.float32 else exact
