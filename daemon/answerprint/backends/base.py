"""The seam between the method and the models: what a loaded model gives."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from answerprint.temporal.protocols import Condition, Denoiser
from answerprint.temporal.stopwatch import Stopwatch

from .info import BackendInfo

__all__ = ["Backend", "Offloading", "offload"]


class Backend(Denoiser, Protocol):
    """A model in memory. One chunk at a time: it is not shared between threads."""

    @property
    def info(self) -> BackendInfo:
        """What it is and can do."""
        ...

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        ...

    def condition(self, low: Tensor) -> Condition:
        """What the network is told of `low` [F, 3, h, w] in [0, 1] (values outside are clamped): any size."""
        ...

    def decode(self, x0: Tensor, condition: Condition) -> Tensor:
        """Pictures [F, 3, scale h, scale w] in about [0, 1], not clamped, from clean latents; padding is cropped."""
        ...

    def configure(self, *, steps: int, sampler: str, options: dict[str, str]) -> None:
        """Set what `schedule` makes; raises InputError naming what would have been valid."""
        ...

    def time(self, watch: Stopwatch | None) -> None:
        """Count the time of self-attention layers under "attention" in `watch`."""
        ...


@runtime_checkable
class Offloading(Protocol):
    """A backend whose weights can wait outside the device's memory, at the price of speed."""

    def offload(self) -> None:
        """Keep weights on the device only while they are used; for as long as the backend lives."""
        ...


def offload(backend: Backend) -> bool:
    """Have a backend take less of the device's memory; False for one that cannot."""
    if not isinstance(backend, Offloading):
        return False
    backend.offload()
    return True
