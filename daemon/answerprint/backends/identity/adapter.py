"""The backend that returns every picture as it is: what changes between source and result is not the model's doing."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from answerprint.backends.base import own_condition
from answerprint.backends.identity.info import INFO
from answerprint.backends.latent import HookedNetworks, LatentCondition
from answerprint.backends.schedules import OneStep
from answerprint.errors import InputError
from answerprint.frames.planes import empty
from answerprint.temporal.protocols import Condition
from answerprint.weights.verify import VerifiedModel

__all__ = ["IdentityBackend", "load"]


class IdentityBackend(HookedNetworks):
    """No network: the latent is the picture in [0, 1], so that no bit of a value changes."""

    info = INFO

    def __init__(self, device: torch.device) -> None:
        super().__init__(nn.Identity(), device=device)

    def configure(self, *, steps: int, sampler: str, options: dict[str, str]) -> None:
        """Check the settings. Raises InputError for other than one step, and for any option."""
        self.info.fill_options(options)
        if (steps, sampler) != (1, INFO.samplers[0]):
            raise InputError("This model restores in one step.", "Leave out --steps and the sampler.")

    def schedule(self) -> OneStep:
        """The single step."""
        return OneStep(0)

    def condition(self, low: Tensor) -> LatentCondition:
        """The frames, clamped to [0, 1]; NaN becomes 0."""
        shown = low.to(self.device, torch.float32)
        least, most = torch.aminmax(shown)
        if not bool((least >= 0) & (most <= 1)):  # nor if there is a NaN
            shown = shown.nan_to_num(nan=0.0, posinf=1.0, neginf=0.0).clamp_(0, 1)
        return LatentCondition(shown, shown, 1)

    def predict(self, x: Tensor, timestep: int, condition: Condition) -> Tensor:
        """The frames [F, 3, h, w]; x is not used."""
        latent = own_condition(condition, LatentCondition).latent
        if latent.device.type != "cpu":
            return latent.clone()
        return torch.from_numpy(empty(tuple(latent.shape), np.float32)).copy_(latent)

    def decode(self, x0: Tensor, condition: Condition) -> Tensor:
        """`x0`."""
        return x0


def load(model: VerifiedModel, device: torch.device) -> IdentityBackend:
    """The backend; the model's folder holds no weights."""
    return IdentityBackend(device)
