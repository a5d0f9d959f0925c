"""The sampler of DiffBIR's published code: ancestral steps between evenly spaced timesteps."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import accumulate, repeat
from typing import Any

import torch
from torch import Tensor

from answerprint.backends.schedules import DiffusionSchedule
from answerprint.errors import InputError
from answerprint.temporal.parametrisation import PARAMETRISATIONS

__all__ = ["SCHEDULERS", "SpacedSchedule", "alphas_cumprod", "spaced_timesteps"]

SCHEDULERS: dict[str, dict[str, Any]] = {
    "v2": {
        "num_train_timesteps": 1000,
        "beta_start": 0.00085,
        "beta_end": 0.012,
        "beta_schedule": "scaled_linear",
        "prediction_type": "epsilon",
        "clip_sample": False,
        # Starts at the noisiest timestep, as the spaced sampler does.
        "timestep_spacing": "trailing",
    },
}
"""The noise schedule by version, as a diffusers configuration; the original files do not contain it."""
SCHEDULERS["v2.1"] = {**SCHEDULERS["v2"], "prediction_type": "v_prediction", "rescale_betas_zero_snr": True}


def alphas_cumprod(config: dict[str, Any]) -> Tensor:
    """abar_t [T] float64 of a scaled-linear schedule, rescaled to zero terminal SNR if configured."""
    ends = (math.sqrt(config["beta_start"]), math.sqrt(config["beta_end"]))
    beta = torch.linspace(*ends, config["num_train_timesteps"], dtype=torch.float64) ** 2
    abar = (1 - beta).cumprod(0)
    if not config.get("rescale_betas_zero_snr", False):
        return abar
    # Lin et al. 2024, Common Diffusion Noise Schedules and Sample Steps are Flawed, algorithm 1.
    root = abar.sqrt()
    return ((root - root[-1]) * (root[0] / (root[0] - root[-1]))) ** 2


def spaced_timesteps(steps: int, trained: int) -> list[int]:
    """`steps` of `trained` timesteps, evenly spaced from first to last, ascending; a single one is the first.

    The stride is accumulated, as in Nichol and Dhariwal's code (Improved DDPM, 2021): halfway between two integers,
    rounding the sum and rounding the product differ.
    """
    stride = (trained - 1) / max(steps - 1, 1)
    return [round(t) for t in accumulate(repeat(stride, steps - 1), initial=0.0)]


@dataclass(slots=True)
class SpacedSchedule(DiffusionSchedule):
    """A `Schedule` of ancestral steps (Ho et al. 2020, eq. 7) between spaced timesteps, coefficients in float64."""

    config: dict[str, Any]
    """One of `SCHEDULERS`."""
    steps: int
    _abar: list[float] = field(init=False)

    def __post_init__(self) -> None:
        trained = self.config["num_train_timesteps"]
        if not 1 <= self.steps <= trained:
            raise InputError(f"The model does not support {self.steps} steps.", f"Choose 1 to {trained}.")
        self._timesteps = spaced_timesteps(self.steps, trained)[::-1]
        self._abar = [*alphas_cumprod(self.config)[self._timesteps].tolist(), 1.0]

    def x0(self, output: Tensor, x: Tensor, i: int) -> Tensor:
        """Predicted clean latent, by the configuration's `prediction_type`."""
        return PARAMETRISATIONS[self.config["prediction_type"]](output, x, self._abar[i])

    def step(self, x0: Tensor, x: Tensor, i: int, noise: Tensor | None) -> Tensor:
        """x at step i + 1: the mean of q(x_prev | x, x0), plus `noise` scaled to its variance."""
        abar, abar_prev = self._abar[i], self._abar[i + 1]
        alpha = abar / abar_prev
        beta = 1 - alpha
        mean_x0 = beta * math.sqrt(abar_prev) / (1 - abar)
        mean_x = (1 - abar_prev) * math.sqrt(alpha) / (1 - abar)
        mean = mean_x0 * x0 + mean_x * x
        if noise is None:
            return mean
        variance = beta * (1 - abar_prev) / (1 - abar)
        return mean + math.sqrt(variance) * noise
