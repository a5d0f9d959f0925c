"""Generators with random weights, small enough that a forward pass takes milliseconds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from answerprint.backends.generator.adapter import CONFIG, WEIGHTS, GeneratorBackend
from answerprint.backends.generator.network import GeneratorNetwork
from answerprint.weights.manifest import Manifest
from answerprint.weights.write_manifest import write_manifest
from backends.builders import CPU

__all__ = ["COMPACT", "RRDB", "RRDB_X2", "small_generator", "small_network", "write_generator"]

RRDB: dict[str, Any] = {"kind": "rrdb", "scale": 4, "features": 8, "growth": 4, "blocks": 2}
RRDB_X2: dict[str, Any] = {**RRDB, "scale": 2}
COMPACT: dict[str, Any] = {"kind": "compact", "scale": 4, "features": 8, "convolutions": 2}


def small_network(config: dict[str, Any] = RRDB, seed: int = 0) -> GeneratorNetwork:
    """A network whose every layer is strong enough to be seen in the result."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = GeneratorNetwork.from_config(config).eval().requires_grad_(False)
        for name, weight in network.named_parameters():
            if weight.ndim == 4:
                weight.copy_(torch.randn_like(weight) / weight[0].numel() ** 0.5)
            else:
                weight.copy_(0.1 * torch.randn_like(weight) + (0.25 if "weight" in name else 0.0))
    return network


def small_generator(config: dict[str, Any] = RRDB, seed: int = 0) -> GeneratorBackend:
    """The family with such a network."""
    return GeneratorBackend(small_network(config, seed), CPU)


def write_generator(folder: Path, config: dict[str, Any] = RRDB, seed: int = 0) -> None:
    """A model's folder, sealed."""
    folder.mkdir(parents=True)
    save_file(small_network(config, seed).state_dict(), folder / WEIGHTS)
    (folder / CONFIG).write_text(json.dumps(config))
    write_manifest(
        folder, Manifest(folder.name, "generator", "1", "BSD-3-Clause", "random weights", config["scale"], ())
    )
