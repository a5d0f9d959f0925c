"""The seam between the method and the models: what a loaded model gives."""

from __future__ import annotations

from typing import Protocol, TypeVar

import torch
from torch import Tensor

from answerprint.backends.info import BackendInfo
from answerprint.temporal.protocols import Condition, Denoiser
from answerprint.temporal.stopwatch import Stopwatch

__all__ = [
    "Backend",
    "cast",
    "number_type",
    "own_condition",
]

_Own = TypeVar("_Own")

_NUMBER_TYPES = {str(each).removeprefix("torch."): each for each in (torch.float32, torch.bfloat16, torch.float16)}


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

    @property
    def dtype(self) -> torch.dtype:
        """The number type that its network computes in."""
        ...

    def cast(self, dtype: torch.dtype) -> None:
        """Compute in another, with weights rounded from float32."""
        ...

    @property
    def weights_bytes(self) -> int:
        """Memory that all its weights take."""
        ...

    def offload(self) -> None:
        """Keep weights on the device only while they are used, which is slow; for as long as the backend lives."""
        ...

    def take_notices(self) -> list[str]:
        """What it has to say to the user, each once."""
        ...


def number_type(backend: Backend) -> str:
    """Name of the number type that a backend's network computes in: float32, bfloat16 or float16."""
    return str(backend.dtype).removeprefix("torch.")


def cast(backend: Backend, name: str) -> None:
    """Have a backend's network compute in the number type of that name; raises ValueError for another name."""
    if name not in _NUMBER_TYPES:
        raise ValueError(f"there is no number type {name}")
    backend.cast(_NUMBER_TYPES[name])


def own_condition(condition: Condition, kind: type[_Own]) -> _Own:
    """`condition`, which a model gets back from the method; raises TypeError when another family made it."""
    if not isinstance(condition, kind):
        raise TypeError(f"the condition is a {type(condition).__name__}, made by another family")
    return condition
