"""Convert a network's output to the predicted clean latent x0, by the model's parametrisation.

abar is the cumulative product of 1 - beta at the step. The sampler receives x0 itself (diffusers' "sample" prediction);
noise is never reconstructed, which would fail where abar is 0, and for velocity models near it.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from torch import Tensor

__all__ = ["PARAMETRISATIONS", "x0_from_epsilon", "x0_from_sample", "x0_from_v"]


def x0_from_epsilon(output: Tensor, x: Tensor, abar: float) -> Tensor:
    """x0 = (x_t - sqrt(1 - abar) eps) / sqrt(abar)."""
    return (x - math.sqrt(1 - abar) * output) / math.sqrt(abar)


def x0_from_v(output: Tensor, x: Tensor, abar: float) -> Tensor:
    """x0 = sqrt(abar) x_t - sqrt(1 - abar) v."""
    return math.sqrt(abar) * x - math.sqrt(1 - abar) * output


def x0_from_sample(output: Tensor, x: Tensor, abar: float) -> Tensor:
    """The network predicts x0."""
    return output


PARAMETRISATIONS: dict[str, Callable[[Tensor, Tensor, float], Tensor]] = {
    "epsilon": x0_from_epsilon,
    "v_prediction": x0_from_v,
    "sample": x0_from_sample,
}
"""By diffusers' names of `prediction_type`."""
