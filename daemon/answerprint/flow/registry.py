"""Registry of the estimators by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from types import MappingProxyType
from typing import Any

from answerprint.errors import InputError
from answerprint.flow.estimator import EstimatorInfo, FlowEstimator, Parameter
from answerprint.flow.opencv import DisEstimator, FarnebackEstimator
from answerprint.flow.raft import RaftEstimator

__all__ = ["DEFAULT_ESTIMATOR", "ESTIMATORS", "get_estimator"]

DEFAULT_ESTIMATOR = "dis"

ESTIMATORS: Mapping[str, EstimatorInfo] = MappingProxyType(
    {
        info.name: info
        for info in (
            EstimatorInfo("dis", "dense inverse search: fast, on the CPU", asdict(DisEstimator())),
            EstimatorInfo(
                "farneback", "polynomial expansion: slower than dis, on the CPU", asdict(FarnebackEstimator())
            ),
            EstimatorInfo(
                "raft",
                "neural network, for large motion; needs torchvision and its weights",
                {"weights": None, "size": "large", "device": "cpu", "updates": 12},
                needs_weights=True,
            ),
        )
    }
)

_FACTORIES: Mapping[str, Callable[..., FlowEstimator]] = {
    "dis": DisEstimator,
    "farneback": FarnebackEstimator,
    "raft": RaftEstimator,
}


def get_estimator(name: str = DEFAULT_ESTIMATOR, **parameters: Parameter) -> FlowEstimator:
    """The estimator `name` with its defaults, overridden by `parameters`.

    Raises:
        InputError: unknown name or parameter, or an invalid value.
        ModelError: its weights or libraries are missing.
    """
    info = ESTIMATORS.get(name)
    if info is None:
        raise InputError(f"Unknown flow estimator {name!r}.", f"Choose one of: {', '.join(ESTIMATORS)}.")
    unknown = sorted(set(parameters) - set(info.defaults))
    if unknown:
        raise InputError(
            f"The flow estimator {name} has no parameter {unknown[0]!r}.", f"Parameters: {', '.join(info.defaults)}."
        )
    if info.needs_weights and parameters.get("weights") is None:
        raise InputError(f"The flow estimator {name} needs a weights file.", "Set 'weights' to its path.")
    arguments: dict[str, Any] = dict(parameters)
    return _FACTORIES[name](**arguments)
