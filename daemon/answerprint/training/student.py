"""A student in training: network, running average, optimiser and step; it can be put aside and taken up again."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

from answerprint.backends.tiny.network import NETWORK_CONFIG
from answerprint.training.judging import PerceptualLoss
from answerprint.training.pool import Batch
from answerprint.training.teacher import ANIME, ANIME_VIDEO
from answerprint.training.ways import Diffusion, Generator, StudentKind

__all__ = ["STUDENTS", "Student", "Training"]


_COARSE_PX = 16
_LATTICE_PX = 8


@dataclass(frozen=True, slots=True)
class Student:
    """A network to train, what it starts as, and how it learns."""

    config: Mapping[str, Any]
    source: str
    """Model that it starts from; of the same shape."""
    batch: int
    rate: float
    """Highest learning rate. At 2e-4 a hundred steps undo what the 6 blocks know; at 5e-4 the compact network falls
    back to the nearest enlargement that it adds to, which the perceptual distance does not mind and eyes do."""
    steps: int
    report_every: int
    absolute: float = 1.0
    """Weight of the absolute difference."""
    lattice: float = 0.0
    """Weight of what repeats from cell to cell of 8 px in the difference to the truth. A network that writes whole
    cells weaves such a grid, in flat places too, which a perceptual distance that forgives shifts does not mind."""
    perceptual_good: float = 1.6
    perceptual_target: float = 0.6
    coarse: float = 4.0
    """Weight of the difference of the means of squares to the truth, without which dark pictures get darker."""
    perceptual_px: int = 96
    """Side of the cut that the perceptual distance is measured on: the whole would cost more than the network."""
    average: float = 0.99
    warmup_steps: int = 30
    way: StudentKind = field(default_factory=Generator)


STUDENTS: Mapping[str, Student] = MappingProxyType(
    {
        "swift-x4": Student(
            MappingProxyType({"kind": "rrdb", "blocks": 6}), ANIME, batch=2, rate=5e-5, steps=4000, report_every=50
        ),
        "swift-x4-draft": Student(
            MappingProxyType({"kind": "compact"}),
            ANIME_VIDEO,
            batch=2,
            rate=1e-4,
            steps=8000,
            report_every=100,
            perceptual_px=80,
        ),
        "tiny-x4": Student(
            MappingProxyType(NETWORK_CONFIG),
            "tiny-x4",
            batch=4,
            rate=2.5e-4,
            steps=20_000,
            report_every=50,
            absolute=4.0,
            lattice=10.0,
            perceptual_good=0.8,
            perceptual_target=0.4,
            perceptual_px=64,
            way=Diffusion(),
        ),
    }
)


@dataclass(slots=True)
class Training:
    """All that a run goes on from."""

    student: Student
    network: nn.Module
    seed: int
    step: int = 0
    best: float = math.inf
    """Least figure of the judge so far."""
    average: dict[str, Tensor] = field(init=False)
    optimiser: torch.optim.Adam = field(init=False)

    def __post_init__(self) -> None:
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.network.train().requires_grad_(True)
        self.average = {k: v.detach().clone() for k, v in self.network.state_dict().items()}
        self.optimiser = torch.optim.Adam(self.network.parameters(), lr=self.student.rate, betas=(0.9, 0.99))

    def rate(self, steps: int) -> float:
        """Learning rate of the next step of `steps`: it rises at first, then falls to zero along a cosine."""
        fall = 0.5 * (1 + math.cos(math.pi * min(1.0, self.step / steps)))
        return self.student.rate * min(1.0, (self.step + 1) / self.student.warmup_steps) * fall

    def advance(self, batch: Batch, perceptual: PerceptualLoss | None, steps: int) -> float:
        """One step of `steps`; returns the loss before it.

        Half the absolute difference is to the teacher's picture and half to the good one, which holds the teacher's
        shift of brightness and its worst inventions down; the perceptual distance, to both, keeps the picture sharp.
        """
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate(steps)
        drawn = self.student.way.learn(self.network, batch, np.random.default_rng((self.seed, 3, self.step)))
        loss = self.student.absolute * (F.l1_loss(drawn, batch.target) + F.l1_loss(drawn, batch.good)) / 2
        coarse, coarse_good = (F.avg_pool2d(p, _COARSE_PX) for p in (drawn, batch.good))
        loss = loss + self.student.coarse * F.l1_loss(coarse, coarse_good)
        repeats = F.pixel_unshuffle(drawn - batch.good, _LATTICE_PX).mean((0, 2, 3))
        loss = loss + self.student.lattice * repeats.abs().mean()
        if perceptual is not None:
            cut = self._cut(drawn.shape[-1])
            to_good, to_target = perceptual(drawn[cut], batch.good[cut], batch.target[cut])
            loss = (
                loss + self.student.perceptual_good * to_good.mean() + self.student.perceptual_target * to_target.mean()
            )
        self.optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimiser.step()
        self.step += 1
        keep = min(self.student.average, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            now = self.network.state_dict()
            for name, value in self.average.items():
                value.lerp_(now[name], 1 - keep)
        return float(loss.detach())

    def averaged(self) -> nn.Module:
        """A frozen network of the averaged weights."""
        network = self.student.way.build(self.student.config)
        network.load_state_dict(self.average)
        return network.eval().requires_grad_(False)

    def drawer(self) -> Callable[[Tensor], Tensor]:
        """From [B, 3, h, w] to the [B, 3, 4h, 4w] that the averaged weights draw."""
        return partial(self.student.way.draw, self.averaged())

    def save(self, file: Path) -> None:
        """Write the state, whole or not at all."""
        state = {"network": self.network.state_dict(), "optimiser": self.optimiser.state_dict()}
        torch.save(state | {"average": self.average, "step": self.step, "best": self.best}, file.with_suffix(".part"))
        file.with_suffix(".part").replace(file)

    def load(self, file: Path) -> None:
        """Go on from a state that `save` wrote."""
        state = torch.load(file, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.average, self.step, self.best = state["average"], state["step"], state["best"]

    def export(self, file: Path) -> None:
        """Write the averaged weights in half precision."""
        half = {k: v.half().contiguous() for k, v in self.average.items()}
        save_file(half, file.with_suffix(".part"), metadata={"format": "pt", "step": str(self.step)})
        file.with_suffix(".part").replace(file)

    def _cut(self, side: int) -> tuple[Any, ...]:
        size = min(side, self.student.perceptual_px)
        y, x = (int(v) for v in np.random.default_rng((self.seed, 1, self.step)).integers(0, side - size + 1, 2))
        return (..., slice(y, y + size), slice(x, x + size))
