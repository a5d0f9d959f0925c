"""Keeping a network's weights out of the device's memory while they are not used."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

__all__ = ["offload_networks"]

_CPU = torch.device("cpu")


def offload_networks(networks: Iterable[nn.Module], device: torch.device) -> None:
    """Let each layer bring its weights to `device` when it runs, and back after; on the CPU they are there already.

    It stays so for as long as the networks live.
    """
    if device.type == "cpu":
        return
    # Here, because few jobs come to this and loading it takes time.
    from diffusers.hooks import apply_group_offloading

    for network in networks:
        apply_group_offloading(network, onload_device=device, offload_device=_CPU, offload_type="leaf_level")
