"""The first restoration: removes blur and noise; the diffusion model then adds detail."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from answerprint.backends.kl import in_windows
from answerprint.errors import ModelError
from answerprint.optional import how_to_install

__all__ = ["Enlarger", "FirstStage", "StageOne", "enlarged", "load_first_stage"]

_WINDOW_PX = 512
_OVERLAP_PX = 64
"""Larger pictures are restored in windows: the sr network has 64 channels at the enlarged size."""


class FirstStage(Protocol):
    """A first restoration."""

    def __call__(self, picture: Tensor, scale: int) -> Tensor:
        """Picture [1, 3, scale H, scale W] in [0, 1] for `picture` [1, 3, H, W] in [0, 1]."""
        ...


class Enlarger:
    """Plain enlargement, without restoration."""

    def __call__(self, picture: Tensor, scale: int) -> Tensor:
        """Enlarge `picture` bicubically."""
        height, width = picture.shape[2:]
        return enlarged(picture, (scale * height, scale * width))


@dataclass(frozen=True, slots=True)
class StageOne:
    """A restoration network with its own scale."""

    network: Callable[[Tensor], Tensor]
    factor: int

    def __call__(self, picture: Tensor, scale: int) -> Tensor:
        """Restore `picture`, resized to `scale`."""

        def run(part: Tensor) -> Tensor:
            return self.network(part).clone()  # spandrel returns inference tensors

        height, width = picture.shape[2:]
        restored = in_windows(picture, run, self.factor, _WINDOW_PX, _OVERLAP_PX)
        return enlarged(restored, (scale * height, scale * width))


def enlarged(picture: Tensor, size: tuple[int, int]) -> Tensor:
    """`picture` [B, 3, H, W] in [0, 1] resized to `size`, bicubic with antialiasing, clamped to [0, 1]."""
    if tuple(picture.shape[2:]) == size:
        return picture
    return F.interpolate(picture, size, mode="bicubic", antialias=True, align_corners=False).clamp(0, 1)


def load_first_stage(weights: Mapping[str, Tensor], device: torch.device) -> FirstStage:
    """Load the network of `weights`, in their original layout: BSRNet, SCUNet, SwinIR.

    Raises ModelError if they do not belong to a restoration network, or if spandrel, which builds the networks, is not
    usable.
    """
    spandrel = _spandrel()
    try:
        network = spandrel.ModelLoader().load_from_state_dict(dict(weights))
    # Measured: UnsupportedModelError for unknown names; KeyError, ValueError, RuntimeError and IndexError for known
    # names with parts missing or of other shapes.
    except (spandrel.UnsupportedModelError, KeyError, ValueError, RuntimeError, IndexError) as error:
        raise ModelError("The stage 1 weights do not belong to a known network.", _OTHER_FILE) from error
    if not isinstance(network, spandrel.ImageModelDescriptor) or network.input_channels != 3:
        raise ModelError("The stage 1 network does not restore colour pictures.", _OTHER_FILE)
    network.eval().to(device)
    network.model.requires_grad_(False)
    return StageOne(network, network.scale)


_OTHER_FILE = "Put the right file into the model's folder stage1, or use --option stage1=none."


def _spandrel() -> Any:  # noqa: ANN401 - an optional package
    try:
        return importlib.import_module("spandrel")
    # Measured: RuntimeError from a torchvision built for another torch.
    except (ImportError, RuntimeError) as error:
        raise ModelError(
            f"The first restoration needs the packages spandrel and torchvision: {error}.",
            f"{how_to_install('spandrel torchvision')} Or use --option stage1=none.",
        ) from error
