"""ST-LPIPS as a training loss (VGG backbone) and as the validation metric (Alex backbone)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from answerprint.errors import InputError
from answerprint.metrics.perceptual import Network
from answerprint.metrics.shift_tolerant import ShiftTolerantNetwork
from answerprint.training.pool import Batch

__all__ = ["PerceptualLoss", "judge", "load_trunk"]

_REMEDY = "Download it: python -m answerprint.training.fetch measures"


def load_trunk(network: Network, folder: Path) -> ShiftTolerantNetwork:
    """ST-LPIPS, frozen, from the published file in `folder`. Raises InputError if it is missing or different."""
    model = ShiftTolerantNetwork(network)
    file = folder / f"{network}_shift_tolerant.pth"
    try:
        model.load_published(torch.load(file, map_location="cpu", weights_only=True))
    except (OSError, RuntimeError) as e:
        raise InputError(f"{file} does not contain the weights of ST-LPIPS.", _REMEDY) from e
    return model.eval().requires_grad_(False)


class PerceptualLoss(nn.Module):
    """ST-LPIPS of the first `layers` layers; unlike the metric it is differentiable where features are zero."""

    def __init__(self, network: ShiftTolerantNetwork, layers: int = 4) -> None:
        super().__init__()
        self._network, self._layers = network, layers

    def forward(self, drawn: Tensor, *goals: Tensor) -> list[Tensor]:
        """Distances [B] of `drawn` to each of `goals`, pictures [B, 3, H, W] in [0, 1]."""
        net = self._network
        x, *others = ((2 * p - 1 - net.shift) / net.scale for p in (drawn, *goals))
        totals = [drawn.new_zeros(len(drawn)) for _ in goals]
        for layers, head in list(zip(net.slices, net.heads, strict=True))[: self._layers]:
            x = layers(x)
            with torch.no_grad():
                others = [layers(other) for other in others]
            for place, other in enumerate(others):
                totals[place] = totals[place] + head((_unit(x) - _unit(other)).square()).mean((1, 2, 3))
        return totals


def judge(network: Callable[[Tensor], Tensor], examples: Sequence[Batch], measure: nn.Module) -> dict[str, float]:
    """Metrics of `network` on held-out examples.

    `p`, `p_teacher`: mean `measure` to the truth and to the teacher's results; `psnr_teacher` in dB; `shift`:
    brightness difference to the truth, in levels of 255.
    """
    rows = []
    with torch.inference_mode():
        for batch in examples:
            drawn = network(batch.low).clamp(0, 1)
            error = float((drawn - batch.target).square().mean())
            rows.append((
                float(measure(drawn, batch.good).mean()),
                float(measure(drawn, batch.target).mean()),
                -10 * math.log10(max(error, 1e-10)),
                float((drawn - batch.good).mean()) * 255,
            ))  # fmt: skip
    names = ("p", "p_teacher", "psnr_teacher", "shift")
    return {name: round(float(value), 4) for name, value in zip(names, np.mean(rows, axis=0), strict=True)}


def _unit(features: Tensor) -> Tensor:
    return features * (features.square().sum(1, keepdim=True) + 1e-6).rsqrt()
