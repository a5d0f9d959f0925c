"""The interface of optical-flow estimators."""

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
"""Value of an estimator's parameter: types with one JSON form, because it is part of cache keys."""


class FlowEstimator(Protocol):
    """Estimates optical flow; deterministic for the same pictures, whatever the thread count."""

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
    """Description of an estimator for users."""

    name: str
    summary: str
    defaults: Mapping[str, Parameter]
    """Its parameters and their defaults; None: no default, or derived from another parameter."""
    needs_weights: bool = False
