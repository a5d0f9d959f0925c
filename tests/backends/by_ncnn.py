"""Pictures as ncnn itself draws them, in single precision, from the files that models are made of."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

__all__ = ["draw"]

_ROUNDING = ("fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_packed", "bf16_storage")


def draw(param: Path, weights: Path, low: Tensor) -> Tensor:
    """The network's picture [3, H, W] of `low` [3, h, w] in [0, 1]."""
    ncnn: Any = importlib.import_module("ncnn")
    network = ncnn.Net()
    network.opt.use_vulkan_compute, network.opt.num_threads = False, 1
    for each in _ROUNDING:
        setattr(network.opt, f"use_{each}", False)
    assert network.load_param(str(param)) == network.load_model(str(weights)) == 0
    extractor = network.create_extractor()
    # ncnn counts no references to what Python gives it: both must live until the end.
    array = low.contiguous().numpy()
    given = ncnn.Mat(array)
    assert extractor.input(network.input_names()[0], given) == 0
    failed, drawn = extractor.extract(network.output_names()[0])
    assert failed == 0
    return torch.from_numpy(np.array(drawn).copy())
