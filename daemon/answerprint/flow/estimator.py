"""What an optical-flow estimator is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from answerprint.flow.pair import Flow

__all__ = ["EstimatorInfo", "FlowEstimator", "Luma", "Parameter"]

Luma = NDArray[np.uint8]
"""[H, W] 8-bit luma as made by `prepare`."""

Parameter = str | int | float | None
"""Value of an estimator's parameter: something JSON writes in one way, because cache keys are made of it."""


class FlowEstimator(Protocol):
    """Finds where each point of one picture is in another; same pictures, same bits, whatever the thread count."""

    @property
    def name(self) -> str:
        """Name in the registry."""
        ...

    @property
    def version(self) -> str:
        """Changes whenever the result for the same pictures and parameters may change."""
        ...

    @property
    def parameters(self) -> Mapping[str, Parameter]:
        """Everything the result depends on besides the pictures and the version."""
        ...

    def estimate(self, source: Luma, target: Luma) -> Flow:
        """Flow [H, W, 2] float32 on `source`'s grid, pointing into `target` of the same size: x then y, in pixels."""
        ...


@dataclass(frozen=True, slots=True)
class EstimatorInfo:
    """An estimator as users meet it."""

    name: str
    summary: str
    defaults: Mapping[str, Parameter]
    """Parameters it takes, with their defaults; None: there is none, or it follows another one."""
    needs_weights: bool = False
