"""Distances that a trained network sees, where its weights are at hand; a reason where not. Nothing is downloaded.

Here is LPIPS by the `lpips` package; `shift_tolerant` and `texture` hold the others.
"""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import torch

from answerprint.frames.frame import Picture
from answerprint.metrics.checks import Clip, require_clip, require_same_clips, require_same_size
from answerprint.metrics.temporal import ReferenceMotion

__all__ = [
    "Absent",
    "Distance",
    "Lpips",
    "Network",
    "as_tensor",
    "backbone",
    "distance_to_neighbours",
    "load_lpips",
    "mean_distance",
    "network_distance",
]

Network = Literal["alex", "vgg"]

# torchvision's own file names; the last part is the start of the file's SHA-256.
_BACKBONES: dict[str, str] = {"alex": "alexnet-owt-7be5be79.pth", "vgg": "vgg16-397923af.pth"}


@dataclass(frozen=True, slots=True)
class Absent:
    """A figure that cannot be had here, and why; falsy, so `if metric:` asks whether there is one."""

    reason: str
    remedy: str

    def __bool__(self) -> bool:
        return False

    def __str__(self) -> str:
        return f"absent: {self.reason} {self.remedy}".strip()


class Distance(Protocol):
    """A perceptual distance, ready to use."""

    @property
    def key(self) -> str:
        """Under which name its figure is stored (see `report.COLUMNS`)."""

    @property
    def of_neighbours(self) -> bool:
        """Whether the distance of a frame to its interpolation is shown too, as papers do for LPIPS."""

    def distance(self, a: Picture, b: Picture) -> float:
        """Distance of two pictures [H, W, 3] in [0, 1] of one size, 0 for equal ones."""


class Lpips:
    """LPIPS v0.1 (Zhang et al. 2018) with one backbone on one device."""

    key = "lpips"
    of_neighbours = True

    def __init__(self, network: Network, model: torch.nn.Module, device: str) -> None:
        self.network = network
        self._model = model
        self._device = device

    def __str__(self) -> str:
        return f"LPIPS v0.1, {self.network} backbone"

    def distance(self, a: Picture, b: Picture) -> float:
        """Perceptual distance of two pictures [H, W, 3] in [0, 1]: 0 for equal ones, about 0.7 for unrelated ones."""
        require_same_size(a, b)
        with torch.inference_mode():
            # normalize: our pictures are 0..1, the network's are -1..1.
            return float(self._model(as_tensor(a, self._device), as_tensor(b, self._device), normalize=True))


def load_lpips(network: Network = "alex", device: str = "cpu") -> Lpips | Absent:
    """LPIPS ready to use, or why it is not: the package, torchvision or the backbone's file is missing or damaged.

    The backbone is looked for where torchvision would keep it, `$TORCH_HOME/hub/checkpoints`, and checked against the
    hash in its name. We load it ourselves into an untrained trunk: asked for a trained one, lpips would go online.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import lpips  # type: ignore[import-untyped, import-not-found, unused-ignore]
    # RuntimeError and OSError: what a torchvision built for another torch raises when it is imported.
    except (ImportError, RuntimeError, OSError) as e:
        return Absent(f"lpips cannot be imported ({e}).", "Install `answerprint[lpips]` and a torchvision.")
    path = backbone(network)
    if isinstance(path, Absent):
        return path
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # lpips calls torchvision by an argument that has been renamed
        model = lpips.LPIPS(net=network, version="0.1", pnet_rand=True, verbose=False)
    _fill_trunk(model.net, torch.load(path, map_location="cpu", weights_only=True))
    return Lpips(network, model.requires_grad_(False).eval().to(device), device)


def backbone(network: Network) -> Path | Absent:
    """torchvision's file of a trained trunk, or why there is none."""
    path = Path(torch.hub.get_dir()) / "checkpoints" / _BACKBONES[network]
    if not path.is_file():
        return Absent(f"its backbone {path} is not on disk.", f"Put torchvision's {path.name} there.")
    if not _hash_agrees(path):
        return Absent(f"its backbone {path} is damaged.", f"Replace it by torchvision's {path.name}.")
    return path


def as_tensor(picture: Picture, device: str) -> torch.Tensor:
    """Picture [H, W, 3] as a batch [1, 3, H, W] of its own."""
    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1), np.float32))[None].to(device)


def network_distance(name: str, model: torch.nn.Module, a: Picture, b: Picture, device: str, smallest_px: int) -> float:
    """What a network that takes two batches says of pictures [H, W, 3] in [0, 1].

    ValueError where they differ in size or a side is below `smallest_px`.
    """
    require_same_size(a, b)
    if min(a.shape[:2]) < smallest_px:
        raise ValueError(f"{name} needs {smallest_px}x{smallest_px} px at least, not {a.shape[1]}x{a.shape[0]}")
    with torch.inference_mode():
        return float(model(as_tensor(a, device), as_tensor(b, device)))


def mean_distance(metric: Distance, clip: Clip, truth: Clip) -> float:
    """Mean distance of the frames of `clip` to those of `truth`."""
    require_same_clips(clip, truth)
    # The truth is measured too, as a row of every table: nothing need be computed for it.
    return float(np.mean([0.0 if a is b else metric.distance(a, b) for a, b in zip(clip, truth, strict=True)]))


def distance_to_neighbours(metric: Distance, clip: Clip, motion: ReferenceMotion) -> float:
    """LPIPS_inter: mean distance of each frame to its interpolation from its neighbours (see `ReferenceMotion`).

    Over frames with both neighbours in their scene; nan where there are none.
    """
    require_clip(clip, frames=3)
    distances = [metric.distance(motion.interpolated(clip, t), clip[t]) for t in motion.middles]
    return float(np.mean(distances)) if distances else float("nan")


def _hash_agrees(path: Path) -> bool:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest().startswith(path.stem.rpartition("-")[2])


def _fill_trunk(trunk: torch.nn.Module, state: dict[str, torch.Tensor]) -> None:
    """Copy a torchvision classifier's convolutions into lpips's trunk, which cuts the same layers into slices.

    "features.6.weight" there is "slice3.6.weight" here: the slice differs, the layer's number does not.
    """
    with torch.no_grad():
        for name, parameter in trunk.named_parameters():
            parameter.copy_(state[f"features.{name.partition('.')[2]}"])
