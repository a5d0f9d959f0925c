"""Kinds of students: one-step generator and diffusion model, in training and in validation."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
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
from answerprint.backends.tiny.restorer import ResidualRestorer
from answerprint.backends.weights import load_network
from answerprint.training.pool import Batch
from answerprint.training.teacher import load_published
from answerprint.weights.verify import PACKAGE_FOLDER, verify_model

__all__ = ["Diffusion", "Generator", "StudentKind"]

_NOISIER = 3
"""Timesteps are distributed as the cube root of uniform draws: few-step sampling depends most on strong noise."""


class StudentKind(Protocol):
    """What differs between kinds of students."""

    def build(self, config: Mapping[str, Any]) -> nn.Module:
        """A network of `config` with random weights."""
        ...

    def load(self, source: str, models: Path) -> nn.Module:
        """The initial network: model `source`. Raises ModelError."""
        ...

    def learn(self, network: nn.Module, batch: Batch, rng: np.random.Generator) -> Tensor:
        """The prediction in training: [B, 3, 4h, 4w], about 0..1, not clamped."""
        ...

    def draw(self, network: nn.Module, low: Tensor) -> Tensor:
        """The result in use: [B, 3, 4h, 4w], not clamped, from `low` [B, 3, h, w] in [0, 1]; deterministic."""
        ...


class Generator:
    """One-step restoration."""

    def build(self, config: Mapping[str, Any]) -> nn.Module:
        """A generator."""
        return GeneratorNetwork.from_config(dict(config))

    def load(self, source: str, models: Path) -> nn.Module:
        """A published network, unpacked into `models` if needed."""
        return load_published(source, models)

    def learn(self, network: nn.Module, batch: Batch, rng: np.random.Generator) -> Tensor:
        """The network's output."""
        return self.draw(network, batch.low.contiguous(memory_format=torch.channels_last))

    def draw(self, network: nn.Module, low: Tensor) -> Tensor:
        """The network's output."""
        drawn: Tensor = network(low)
        return drawn


class Diffusion:
    """Predicts the clean latent of the teacher's result from any noise level; the loss is on pictures."""

    def build(self, config: Mapping[str, Any]) -> nn.Module:
        """A UNet."""
        network: nn.Module = build_network(dict(config))
        return network

    def load(self, source: str, models: Path) -> nn.Module:
        """The UNet of an embedded model."""
        network: nn.Module = load_network(UNet2DConditionModel, verify_model(PACKAGE_FOLDER / source))
        return network

    def learn(self, network: nn.Module, batch: Batch, rng: np.random.Generator) -> Tensor:
        """The prediction from the noised teacher's result, with stratified timesteps."""
        low, base = _conditions(batch.low)
        x0 = codec.encode(2 * batch.target - 1, base)
        even = (np.arange(len(low)) + rng.random(len(low))) / len(low)
        t = torch.from_numpy((even ** (1 / _NOISIER) * SCHEDULER_CONFIG["num_train_timesteps"]).astype(np.int64))
        abar = DDIMScheduler.from_config(SCHEDULER_CONFIG).alphas_cumprod[t].view(-1, 1, 1, 1)
        eps = torch.from_numpy(rng.standard_normal(x0.shape, dtype=np.float32))
        x0 = _predict(network, abar.sqrt() * x0 + (1 - abar).sqrt() * eps, t, low, base)
        return codec.decode(x0, base) / 2 + 0.5

    def draw(self, network: nn.Module, low: Tensor) -> Tensor:
        """The result from noise with the model's default steps."""
        low, base = _conditions(low)
        schedule = DiffusersSchedule(SCHEDULER_CONFIG, INFO.samplers[0], INFO.default_steps, 0.0)
        shape = codec.encode(base, base).shape
        x = schedule.start(torch.randn(shape, generator=torch.Generator().manual_seed(0)))
        for i, t in enumerate(schedule.timesteps):
            x0 = _predict(network, schedule.model_input(x, i), torch.tensor([t]).expand(len(x)), low, base)
            x = schedule.step(x0, x, i, None)
        return codec.decode(x, base) / 2 + 0.5


@cache
def _first_stage() -> ResidualRestorer:
    return load_network(ResidualRestorer, verify_model(PACKAGE_FOLDER / "tiny-x4"), "restorer")


def _conditions(low: Tensor) -> tuple[Tensor, Tensor]:
    """Low-resolution picture and first stage's result, both in [-1, 1], of `low` in [0, 1]. The first stage is frozen.

    If it is trained too, it takes over the second stage's detail within 250 steps.
    """
    low = 2 * low - 1
    with torch.no_grad():
        return low, _first_stage()(low).clamp(-1, 1)


def _predict(network: nn.Module, x: Tensor, t: Tensor, low: Tensor, base: Tensor) -> Tensor:
    shown = torch.cat([x, codec.condition(low, base)], 1).contiguous(memory_format=torch.channels_last)
    x0: Tensor = network(shown, t, x.new_zeros(len(x), 1, CONTEXT_WIDTH), return_dict=False)[0]
    return x0
