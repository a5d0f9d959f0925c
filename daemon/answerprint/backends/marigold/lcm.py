"""The sampler of latent consistency models (Luo et al. 2023, Algorithm 3), driven by clean latents and given noise."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from diffusers import LCMScheduler
from torch import Tensor

from answerprint.backends.schedules import DiffusionSchedule
from answerprint.errors import InputError, ModelError
from answerprint.temporal.parametrisation import PARAMETRISATIONS

__all__ = ["LcmSchedule"]

_SIGMA_DATA = 0.5
"""Constant of the boundary condition, as in diffusers' LCMScheduler."""


@dataclass(slots=True)
class LcmSchedule(DiffusionSchedule):
    """A few steps, each from noise to a clean latent and, except for the last, back to less noise."""

    config: dict[str, Any]
    """The scheduler configuration of the model's training."""
    steps: int
    _scheduler: Any = field(init=False)

    def __post_init__(self) -> None:
        """Raises InputError for more steps than the model was distilled from, ModelError for a bad configuration."""
        try:
            self._scheduler = LCMScheduler.from_config(self.config)
            most = int(self._scheduler.config.original_inference_steps)
            if self._scheduler.config.prediction_type not in PARAMETRISATIONS:
                raise ValueError(f"unknown prediction type {self._scheduler.config.prediction_type!r}")
        except (TypeError, ValueError, NotImplementedError) as error:
            raise ModelError(f"Could not create the model's scheduler: {error}", "Download the model again.") from error
        if not 1 <= self.steps <= most:
            raise InputError(f"The sampler lcm does not support {self.steps} steps.", f"Choose 1 to {most}.")
        self._scheduler.set_timesteps(self.steps)
        self._timesteps = [int(t) for t in self._scheduler.timesteps]

    def x0(self, output: Tensor, x: Tensor, i: int) -> Tensor:
        """f(x, t) = c_skip(t) x + c_out(t) x0: the predicted clean latent; at t = 0 it is x itself."""
        t, config = self._timesteps[i], self._scheduler.config
        x0 = PARAMETRISATIONS[config.prediction_type](output, x, self._abar(i))
        scaled = t * float(config.timestep_scaling)
        c_skip = _SIGMA_DATA**2 / (scaled**2 + _SIGMA_DATA**2)
        c_out = scaled / math.hypot(scaled, _SIGMA_DATA)
        return c_skip * x + c_out * x0

    def step(self, x0: Tensor, x: Tensor, i: int, noise: Tensor | None) -> Tensor:
        """x at step i + 1: x0 with fresh noise; x0 itself at the last step."""
        if i + 1 == len(self._timesteps):
            return x0
        abar = self._abar(i + 1)
        kept = math.sqrt(abar) * x0
        return kept if noise is None else kept + math.sqrt(1 - abar) * noise

    def _abar(self, i: int) -> float:
        return float(self._scheduler.alphas_cumprod[self._timesteps[i]])
