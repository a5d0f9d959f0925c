"""The teacher, and the students' initial weights: Real-ESRGAN's networks, from a Python package."""

from __future__ import annotations

from pathlib import Path

import torch

from answerprint.backends.generator.network import GeneratorNetwork
from answerprint.backends.weights import load_network
from answerprint.weights.packaged.unpack import make_ready
from answerprint.weights.published_models import find_known
from answerprint.weights.verify import verify_model

__all__ = ["ANIME", "ANIME_VIDEO", "X4PLUS", "load_published"]

X4PLUS = "realesrgan-x4plus"
"""The teacher: 23 blocks, for photographs."""
ANIME = "realesrgan-x4plus-anime"
"""6 blocks, for animation."""
ANIME_VIDEO = "realesr-animevideov3"
"""The compact network, for animation."""


def load_published(name: str, models: Path) -> GeneratorNetwork:
    """Network `name`, frozen; unpacked into `models` if needed. Raises ModelError."""
    network: GeneratorNetwork = load_network(GeneratorNetwork, verify_model(make_ready(find_known(name), models)))
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network
