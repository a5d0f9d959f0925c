"""The interface between the method and the models."""

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
    """A model in memory. One chunk at a time; not for several threads."""

    @property
    def info(self) -> BackendInfo:
        """Its description and capabilities."""
        ...

    @property
    def device(self) -> torch.device:
        """The device it runs on."""
        ...

    def condition(self, low: Tensor) -> Condition:
        """The conditioning for `low` [F, 3, h, w] in [0, 1], of any size; values outside are clamped."""
        ...

    def decode(self, x0: Tensor, condition: Condition) -> Tensor:
        """Pictures [F, 3, scale h, scale w], about 0..1, not clamped, from clean latents; padding is cropped."""
        ...

    def configure(self, *, steps: int, sampler: str, options: dict[str, str]) -> None:
        """Configure the sampler and the options. Raises InputError naming the valid values."""
        ...

    def time(self, watch: Stopwatch | None) -> None:
        """Time self-attention layers under "attention" in `watch`."""
        ...

    @property
    def dtype(self) -> torch.dtype:
        """The number type of its network's computation."""
        ...

    def cast(self, dtype: torch.dtype) -> None:
        """Switch to another number type; weights are rounded from float32."""
        ...

    @property
    def weights_bytes(self) -> int:
        """Bytes of all its weights."""
        ...

    def offload(self) -> None:
        """Keep weights on the device only while they are used (slow); permanent for this object."""
        ...

    def take_notices(self) -> list[str]:
        """Return and clear its messages to the user."""
        ...


def number_type(backend: Backend) -> str:
    """Name of a backend's number type: float32, bfloat16 or float16."""
    return str(backend.dtype).removeprefix("torch.")


def cast(backend: Backend, name: str) -> None:
    """Switch a backend to the number type `name`. Raises ValueError for an unknown name."""
    if name not in _NUMBER_TYPES:
        raise ValueError(f"unknown number type {name}")
    backend.cast(_NUMBER_TYPES[name])


def own_condition(condition: Condition, kind: type[_Own]) -> _Own:
    """Cast a `condition` passed back by the method to `kind`. Raises TypeError if another family made it."""
    if not isinstance(condition, kind):
        raise TypeError(f"the condition is a {type(condition).__name__}, made by another family")
    return condition
