"""A student in training: network, EMA, optimiser and step, with saving and resuming."""

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
    """A network to train, its initial weights and its hyperparameters."""

    config: Mapping[str, Any]
    source: str
    """Model of the same architecture whose weights it starts from."""
    batch: int
    rate: float
    """Peak learning rate. At 2e-4 the 6 blocks lose their training within a hundred steps; at 5e-4 the compact network
    collapses to the nearest-neighbour enlargement that it adds to, which ST-LPIPS does not penalise."""
    steps: int
    report_every: int
    absolute: float = 1.0
    """Weight of the L1 loss."""
    lattice: float = 0.0
    """Weight of the 8 px periodic part of the difference to the truth. A network that outputs whole cells tends to
    produce such a grid, even in flat areas, which a shift-tolerant metric does not penalise."""
    perceptual_good: float = 1.6
    perceptual_target: float = 0.6
    coarse: float = 4.0
    """Weight of the difference of local means to the truth, without which dark pictures get darker."""
    perceptual_px: int = 96
    """Side of the crop for the perceptual loss: on the whole picture it would cost more than the network."""
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
    """State of a training run."""

    student: Student
    network: nn.Module
    seed: int
    step: int = 0
    best: float = math.inf
    """Best validation metric so far."""
    average: dict[str, Tensor] = field(init=False)
    optimiser: torch.optim.Adam = field(init=False)

    def __post_init__(self) -> None:
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.network.train().requires_grad_(True)
        self.average = {k: v.detach().clone() for k, v in self.network.state_dict().items()}
        self.optimiser = torch.optim.Adam(self.network.parameters(), lr=self.student.rate, betas=(0.9, 0.99))

    def rate(self, steps: int) -> float:
        """Learning rate of the next step of `steps`: warm-up, then cosine decay to zero."""
        decay = 0.5 * (1 + math.cos(math.pi * min(1.0, self.step / steps)))
        return self.student.rate * min(1.0, (self.step + 1) / self.student.warmup_steps) * decay

    def advance(self, batch: Batch, perceptual: PerceptualLoss | None, steps: int) -> float:
        """One step of `steps`; returns the loss before it.

        Half of the L1 loss is to the teacher's result and half to the original, which limits the teacher's brightness
        shift and artefacts; the perceptual loss, to both, keeps the picture sharp.
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
        """A frozen network with the EMA weights."""
        network = self.student.way.build(self.student.config)
        network.load_state_dict(self.average)
        return network.eval().requires_grad_(False)

    def restorer(self) -> Callable[[Tensor], Tensor]:
        """The function from [B, 3, h, w] to [B, 3, 4h, 4w] with the EMA weights."""
        return partial(self.student.way.draw, self.averaged())

    def save(self, file: Path) -> None:
        """Write the state atomically."""
        state = {"network": self.network.state_dict(), "optimiser": self.optimiser.state_dict()}
        torch.save(state | {"average": self.average, "step": self.step, "best": self.best}, file.with_suffix(".part"))
        file.with_suffix(".part").replace(file)

    def load(self, file: Path) -> None:
        """Resume from a state written by `save`."""
        state = torch.load(file, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.average, self.step, self.best = state["average"], state["step"], state["best"]

    def export(self, file: Path) -> None:
        """Write the EMA weights in half precision."""
        half = {k: v.half().contiguous() for k, v in self.average.items()}
        save_file(half, file.with_suffix(".part"), metadata={"format": "pt", "step": str(self.step)})
        file.with_suffix(".part").replace(file)

    def _cut(self, side: int) -> tuple[Any, ...]:
        size = min(side, self.student.perceptual_px)
        y, x = (int(v) for v in np.random.default_rng((self.seed, 1, self.step)).integers(0, side - size + 1, 2))
        return (..., slice(y, y + size), slice(x, x + size))
