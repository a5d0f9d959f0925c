"""The seam between the method and the models: what a loaded model gives."""

from __future__ import annotations

from typing import Protocol, TypeVar, runtime_checkable

import torch
from torch import Tensor

from answerprint.temporal.protocols import Condition, Denoiser
from answerprint.temporal.stopwatch import Stopwatch

from .info import BackendInfo

__all__ = [
    "Backend",
    "Casting",
    "Noticing",
    "Offloading",
    "cast",
    "number_type",
    "offload",
    "own_condition",
    "take_notices",
    "weights_bytes",
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


@runtime_checkable
class Offloading(Protocol):
    """A backend whose weights can wait outside the device's memory, at the price of speed."""

    def offload(self) -> None:
        """Keep weights on the device only while they are used; for as long as the backend lives."""
        ...


@runtime_checkable
class Casting(Protocol):
    """A backend whose network can compute in several number types; all others compute in float32."""

    @property
    def dtype(self) -> torch.dtype:
        """The one it computes in."""
        ...

    def cast(self, dtype: torch.dtype) -> None:
        """Compute in another, with weights rounded from float32."""
        ...

    @property
    def weights_bytes(self) -> int:
        """Memory that all its weights take."""
        ...


@runtime_checkable
class Noticing(Protocol):
    """A backend that has something to say to the user."""

    notices: list[str]


def number_type(backend: Backend) -> str:
    """Name of the number type that a backend's network computes in: float32, bfloat16 or float16."""
    return str(backend.dtype).removeprefix("torch.") if isinstance(backend, Casting) else "float32"


def cast(backend: Backend, name: str) -> None:
    """Have a backend's network compute in the number type of that name; raises ValueError where it cannot."""
    if name == number_type(backend):
        return
    if not isinstance(backend, Casting) or name not in _NUMBER_TYPES:
        raise ValueError(f"models of the family {backend.info.family} do not compute in {name}")
    backend.cast(_NUMBER_TYPES[name])


def weights_bytes(backend: Backend) -> int:
    """Memory that a backend's weights take; 0 where it does not say."""
    return backend.weights_bytes if isinstance(backend, Casting) else 0


def take_notices(backend: Backend) -> list[str]:
    """What a backend has to say, each once."""
    if not isinstance(backend, Noticing):
        return []
    said, backend.notices = backend.notices, []
    return said


def offload(backend: Backend) -> bool:
    """Have a backend take less of the device's memory; False for one that cannot."""
    if not isinstance(backend, Offloading):
        return False
    backend.offload()
    return True


def own_condition(condition: Condition, kind: type[_Own]) -> _Own:
    """`condition`, which a model gets back from the method; raises TypeError when another family made it."""
    if not isinstance(condition, kind):
        raise TypeError(f"the condition is a {type(condition).__name__}, made by another family")
    return condition
