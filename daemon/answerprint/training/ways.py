"""How a student draws: a generator at once, the diffusion model from noise; while it learns, and when it is judged."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
import torch
from diffusers import DDIMScheduler, UNet2DConditionModel
from torch import Tensor, nn

from answerprint.backends.generator.network import GeneratorNetwork
from answerprint.backends.schedules import DiffusersSchedule
from answerprint.backends.tiny import codec
from answerprint.backends.tiny.info import INFO
from answerprint.backends.tiny.network import CONTEXT_WIDTH, SCHEDULER_CONFIG, build_network
from answerprint.backends.tiny.restorer import RESTORER_CONFIG, Restorer
from answerprint.backends.weights import load_network
from answerprint.models.verify import PACKAGE_FOLDER, verify

from .pool import Batch
from .teacher import load_published

__all__ = ["Diffusion", "Draws", "Generator", "Way"]

_NOISIER = 3
"""Timesteps are drawn as the cube root of even draws: few-step sampling decides the picture where noise is strong."""


class Way(Protocol):
    """What differs between kinds of students."""

    parts: Mapping[str, str]
    """Folders of the model by how the names of their weights begin in the network in training."""

    def build(self, config: Mapping[str, Any]) -> nn.Module:
        """A network of `config` with random weights."""
        ...

    def load(self, source: str, models: Path) -> nn.Module:
        """What the student starts as: model `source`. Raises ModelError."""
        ...

    def learn(self, network: nn.Module, batch: Batch, rng: np.random.Generator) -> Tensor:
        """[B, 3, 4h, 4w] in [0, 1], not clamped, that the loss of a step is taken of."""
        ...

    def draw(self, network: nn.Module, low: Tensor) -> Tensor:
        """[B, 3, 4h, 4w], not clamped, as in use, of `low` [B, 3, h, w] in [0, 1]; every time the same."""
        ...


class Generator:
    """From the small picture to the large one in one pass."""

    parts: Mapping[str, str] = MappingProxyType({"": ""})

    def build(self, config: Mapping[str, Any]) -> nn.Module:
        """A generator."""
        return GeneratorNetwork.from_config(dict(config))

    def load(self, source: str, models: Path) -> nn.Module:
        """A published network, made in `models` where it is not there."""
        return load_published(source, models)

    def learn(self, network: nn.Module, batch: Batch, rng: np.random.Generator) -> Tensor:
        """What it draws."""
        return self.draw(network, batch.low.contiguous(memory_format=torch.channels_last))

    def draw(self, network: nn.Module, low: Tensor) -> Tensor:
        """What it draws."""
        drawn: Tensor = network(low)
        return drawn


class Draws(nn.Module):
    """Both stages of the diffusion model, which learn together: the second draws on what the first leaves to it."""

    def __init__(self, network: nn.Module, restorer: nn.Module) -> None:
        super().__init__()
        self.network, self.restorer = network, restorer

    def conditions(self, low: Tensor) -> tuple[Tensor, Tensor]:
        """Small picture [B, 3, h, w] and first stage's [B, 3, 4h, 4w], both in [-1, 1], of `low` in [0, 1]."""
        low = 2 * low - 1
        return low, self.restorer(low).clamp(-1, 1)

    def forward(self, x: Tensor, t: Tensor, low: Tensor, base: Tensor) -> Tensor:
        """Predicted clean latent of x [B, 192, h/2, w/2] at timesteps `t` [B]."""
        shown = torch.cat([x, codec.condition(low, base)], 1).contiguous(memory_format=torch.channels_last)
        x0: Tensor = self.network(shown, t, x.new_zeros(len(x), 1, CONTEXT_WIDTH), return_dict=False)[0]
        return x0


class Diffusion:
    """The clean latent of the teacher's picture, predicted from any amount of noise; compared as a picture."""

    parts: Mapping[str, str] = MappingProxyType({"network.": "", "restorer.": "restorer"})

    def build(self, config: Mapping[str, Any]) -> Draws:
        """A UNet of `config`, and the first stage."""
        return Draws(build_network(dict(config)), Restorer(**RESTORER_CONFIG))

    def load(self, source: str, models: Path) -> Draws:
        """Both stages of an embedded model."""
        model = verify(PACKAGE_FOLDER / source)
        return Draws(load_network(UNet2DConditionModel, model), load_network(Restorer, model, "restorer"))

    def learn(self, network: nn.Module, batch: Batch, rng: np.random.Generator) -> Tensor:
        """What it makes of the teacher's picture under noise; one example in each share of the timesteps drawn."""
        stages = _both(network)
        low, base = stages.conditions(batch.low)
        x0 = codec.encode(2 * batch.target - 1, base.detach())
        even = (np.arange(len(low)) + rng.random(len(low))) / len(low)
        t = torch.from_numpy((even ** (1 / _NOISIER) * SCHEDULER_CONFIG["num_train_timesteps"]).astype(np.int64))
        abar = DDIMScheduler.from_config(SCHEDULER_CONFIG).alphas_cumprod[t].view(-1, 1, 1, 1)
        eps = torch.from_numpy(rng.standard_normal(x0.shape, dtype=np.float32))
        x0 = stages(abar.sqrt() * x0 + (1 - abar).sqrt() * eps, t, low, base)
        return codec.decode(x0, base) / 2 + 0.5

    def draw(self, network: nn.Module, low: Tensor) -> Tensor:
        """What it draws from noise in the model's default steps."""
        stages = _both(network)
        low, base = stages.conditions(low)
        schedule = DiffusersSchedule(SCHEDULER_CONFIG, INFO.samplers[0], INFO.default_steps, 0.0)
        shape = codec.encode(base, base).shape
        x = schedule.start(torch.randn(shape, generator=torch.Generator().manual_seed(0)))
        for i, t in enumerate(schedule.timesteps):
            x0 = stages(schedule.model_input(x, i), torch.tensor([t]).expand(len(x)), low, base)
            x = schedule.step(x0, x, i, None)
        return codec.decode(x, base) / 2 + 0.5


def _both(network: nn.Module) -> Draws:
    if not isinstance(network, Draws):
        raise TypeError(f"the network is a {type(network).__name__}, of another kind of student")
    return network
