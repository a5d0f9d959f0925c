"""The first restoration: it takes blur and noise away, and leaves it to the diffusion model to draw detail."""

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
"""Larger pictures are restored in windows: the network of the task sr holds 64 channels at the enlarged size."""


class FirstStage(Protocol):
    """What restores first."""

    def __call__(self, picture: Tensor, scale: int) -> Tensor:
        """Picture [1, 3, scale H, scale W] in [0, 1] for `picture` [1, 3, H, W] in [0, 1]."""
        ...


class Enlarger:
    """No first restoration: the picture is only enlarged."""

    def __call__(self, picture: Tensor, scale: int) -> Tensor:
        """`picture`, bicubic."""
        height, width = picture.shape[2:]
        return enlarged(picture, (scale * height, scale * width))


@dataclass(frozen=True, slots=True)
class StageOne:
    """A network that restores, and enlarges by a factor of its own."""

    network: Callable[[Tensor], Tensor]
    factor: int

    def __call__(self, picture: Tensor, scale: int) -> Tensor:
        """The network's picture, brought to `scale`."""

        def run(part: Tensor) -> Tensor:
            return self.network(part).clone()  # not an inference tensor, as spandrel gives

        height, width = picture.shape[2:]
        restored = in_windows(picture, run, self.factor, _WINDOW_PX, _OVERLAP_PX)
        return enlarged(restored, (scale * height, scale * width))


def enlarged(picture: Tensor, size: tuple[int, int]) -> Tensor:
    """`picture` [B, 3, H, W] in [0, 1] at `size`, bicubic, without aliases where it shrinks; still in [0, 1]."""
    if tuple(picture.shape[2:]) == size:
        return picture
    return F.interpolate(picture, size, mode="bicubic", antialias=True, align_corners=False).clamp(0, 1)


def load_first_stage(weights: Mapping[str, Tensor], device: torch.device) -> FirstStage:
    """The network that `weights`, in their original layout, belong to: BSRNet, SCUNet, SwinIR.

    Raises ModelError when they belong to no network that restores pictures, or when spandrel, which knows the
    networks, cannot be used.
    """
    spandrel = _spandrel()
    try:
        network = spandrel.ModelLoader().load_from_state_dict(dict(weights))
    # Measured: UnsupportedModelError for unknown names; KeyError, ValueError, RuntimeError and IndexError for known
    # names with parts missing or of other shapes.
    except (spandrel.UnsupportedModelError, KeyError, ValueError, RuntimeError, IndexError) as error:
        raise ModelError("The weights of stage 1 are of no network that is known.", _OTHER_FILE) from error
    if not isinstance(network, spandrel.ImageModelDescriptor) or network.input_channels != 3:
        raise ModelError("The network of stage 1 does not restore colour pictures.", _OTHER_FILE)
    network.eval().to(device)
    network.model.requires_grad_(False)
    return StageOne(network, network.scale)


_OTHER_FILE = "Put the right file into the folder stage1 of the model, or give --option stage1=none."


def _spandrel() -> Any:  # noqa: ANN401 - an optional package
    try:
        return importlib.import_module("spandrel")
    # Measured: RuntimeError from a torchvision that was built for another torch.
    except (ImportError, RuntimeError) as error:
        raise ModelError(
            f"The first restoration needs the packages spandrel and torchvision: {error}.",
            f"{how_to_install('spandrel torchvision')} Or give --option stage1=none.",
        ) from error
