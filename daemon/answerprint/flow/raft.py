"""RAFT (Teed and Deng 2020) from torchvision; optional, needs its weights."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np

from answerprint.errors import InputError, ModelError
from answerprint.flow.estimator import Luma, Parameter
from answerprint.flow.pair import Flow
from answerprint.optional import how_to_install

__all__ = ["RaftEstimator", "RaftSize"]

RaftSize = Literal["large", "small"]

_MULTIPLE_PX = 8
_MIN_SIDE_PX = 128
"""Smallest side that RAFT's correlation pyramid, four levels above 1/8 size, supports."""


class RaftEstimator:
    """RAFT with weights from a file; torch and torchvision are imported at construction.

    `weights` is a state dict as published by torchvision. Luma is used for all three channels. Results are
    deterministic on one device model; CPU and GPU differ, hence `device` is part of the cache key.

    Raises:
        ModelError: torchvision is missing or broken, or the weights are missing, unreadable or for another size of
        RAFT. InputError: unknown `size`.
    """

    def __init__(self, weights: str | Path, size: RaftSize = "large", device: str = "cpu", updates: int = 12) -> None:
        if size not in ("large", "small"):
            raise InputError(f"RAFT has no size {size!r}.", "Choose large or small.")
        if importlib.util.find_spec("torchvision") is None:
            raise ModelError(
                "RAFT needs torchvision, which is not installed.",
                f"{how_to_install('torchvision')} Or use the estimator 'dis'.",
            )
        path = Path(weights)
        try:
            content_hash = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError as e:
            raise ModelError(
                f"Cannot read the RAFT weights {path} ({e.strerror}).",
                f"Put torchvision's raft_{size} weights there, or use the estimator 'dis'.",
            ) from e
        try:
            vision: Any = importlib.import_module("torchvision")
        except Exception as e:  # measured: RuntimeError from a torchvision built for another torch
            raise ModelError(
                f"Cannot load torchvision ({e}).",
                "Install the version that matches the installed torch, or use the estimator 'dis'.",
            ) from e
        self._torch: Any = importlib.import_module("torch")
        self._network = self._load(vision, path, size).to(device).eval()
        self._version = f"1/torchvision-{vision.__version__}"
        self._device = device
        self._updates = updates
        self._parameters: dict[str, Parameter] = {
            "weights_sha256": content_hash,
            "size": size,
            "device": device,
            "updates": updates,
        }

    def _load(self, vision: Any, path: Path, size: RaftSize) -> Any:  # noqa: ANN401  (torchvision may be absent)
        build = getattr(vision.models.optical_flow, f"raft_{size}")
        network = build(weights=None, progress=False)
        try:
            network.load_state_dict(self._torch.load(path, map_location="cpu", weights_only=True))
        except Exception as e:  # measured: UnpicklingError, EOFError, RuntimeError, KeyError, TypeError
            raise ModelError(
                f"{path} does not contain weights of raft_{size}.",
                "Download torchvision's file again, or choose the other size.",
            ) from e
        return network

    @property
    def name(self) -> str:
        return "raft"

    @property
    def version(self) -> str:
        return self._version

    @property
    def parameters(self) -> Mapping[str, Parameter]:
        return self._parameters

    def estimate(self, source: Luma, target: Luma) -> Flow:
        """Flow [H, W, 2] on `source`'s grid, pointing into `target`: x then y, in pixels."""
        torch = self._torch
        height, width = source.shape
        pad_y = max(_MIN_SIDE_PX, -(-height // _MULTIPLE_PX) * _MULTIPLE_PX) - height
        pad_x = max(_MIN_SIDE_PX, -(-width // _MULTIPLE_PX) * _MULTIPLE_PX) - width

        def tensor(luma: Luma) -> Any:  # noqa: ANN401
            padded = np.pad(luma, ((0, pad_y), (0, pad_x)), "edge")
            values = torch.from_numpy(padded.astype(np.float32) / 127.5 - 1.0).to(self._device)
            return values.expand(1, 3, *values.shape).contiguous()

        with torch.inference_mode():
            flow = self._network(tensor(source), tensor(target), num_flow_updates=self._updates)[-1]
        moved = flow[0].permute(1, 2, 0).float().cpu().numpy()
        return np.ascontiguousarray(moved[:height, :width], dtype=np.float32)
