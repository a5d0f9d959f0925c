"""Generators with random weights drawn on any device: of the published sizes, and small ones of the same kinds."""

from __future__ import annotations

from typing import Any

import torch

from answerprint.backends.generator.adapter import GeneratorBackend
from answerprint.backends.generator.network import GeneratorNetwork, RRDBNetwork
from backends.builders import CPU

X4PLUS: dict[str, Any] = {"kind": "rrdb"}
"""Real-ESRGAN x4plus: 16.7 million weights."""
COMPACT: dict[str, Any] = {"kind": "compact"}
"""The x4 network of Real-ESRGAN's video models."""

SMALL: dict[str, dict[str, Any]] = {
    "rrdb": {"kind": "rrdb", "features": 16, "growth": 8, "blocks": 2},
    "compact": {"kind": "compact", "features": 16, "convolutions": 3},
}


def random_generator(config: dict[str, Any], device: torch.device = CPU, seed: int = 0) -> GeneratorBackend:
    """A network of that configuration, made on `device`, whose weights keep the size of what passes through them."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []), torch.device(device):
        torch.manual_seed(seed)
        network = GeneratorNetwork.from_config(config)
        for name, weight in network.named_parameters():
            if weight.ndim > 1:
                torch.nn.init.kaiming_normal_(weight, a=0.2)
            elif name.endswith("bias"):
                torch.nn.init.normal_(weight, std=0.05)
        _calm(network)
    return GeneratorBackend(network, device)


def small_generator(kind: str = "rrdb", seed: int = 0) -> GeneratorBackend:
    """One of `SMALL`."""
    return random_generator(SMALL[kind], seed=seed)


def _calm(network: GeneratorNetwork) -> None:
    """Scale the last layer so that pictures vary by about half of their range around what they are to show."""
    last: Any = list(network.modules())[-1]
    last.weight.data.mul_(0.2)
    last.bias.data.fill_(0.5 if isinstance(network, RRDBNetwork) else 0.0)
