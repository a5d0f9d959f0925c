"""Keeping a network's weights out of the device's memory while they are not used."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

__all__ = ["offload_networks"]

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
