"""Which tensors of a network its result depends on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest
import torch
from torch import Tensor, nn

__all__ = ["ROUNDING", "gradients", "without_influence"]

ROUNDING = 1e-6
"""Of the largest gradient; what softmax cancels comes out at 1e-8 or less (measured)."""


def without_influence(part: nn.Module, compute: Callable[[], Tensor]) -> set[str]:
    """Names of the parameters of `part` whose change does not change `compute()`, but by rounding."""
    parameters = dict(part.named_parameters())
    found = gradients(list(parameters.values()), compute)
    least = ROUNDING * max(found)
    return {name for name, each in zip(parameters, found, strict=True) if each <= least}


def gradients(tensors: Sequence[Tensor], compute: Callable[[], Tensor]) -> list[float]:
    """The largest gradient of each tensor for a random mixture of all values of `compute()`; 0 for one not used."""
    with _differentiable():
        for each in tensors:
            each.requires_grad_(True)
        try:
            out = compute()
            mixture = torch.randn(out.shape, generator=torch.Generator().manual_seed(0))
            found = torch.autograd.grad((out * mixture).sum(), tensors, allow_unused=True)
        finally:
            for each in tensors:
                each.requires_grad_(False)
    return [0.0 if each is None else float(each.abs().max()) for each in found]


@contextmanager
def _differentiable() -> Iterator[None]:
    """Lets gradients through code that switches them off."""
    with pytest.MonkeyPatch.context() as patch, torch.enable_grad():
        for switch in (torch.inference_mode, torch.no_grad):
            patch.setattr(switch, "__enter__", lambda self: None)
            patch.setattr(switch, "__exit__", lambda self, *error: None)
        patch.setattr(nn.Module, "requires_grad_", lambda self, on=True: self)
        yield
