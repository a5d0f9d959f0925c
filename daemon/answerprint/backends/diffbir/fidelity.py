"""Restoration guidance: pull clean latents towards the first restoration, most where it is smooth.

Lin et al. 2024 (DiffBIR), section 3.3: x0 <- x0 - s grad L, with the region-adaptive error L = |W^(1/2) (x0 - c)|^2 / 2
computed between latents, so that its gradient is W (x0 - c) and nothing needs decoding.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["blend_fidelity", "smoothness"]

_PATCH = 2
"""Side, in pixels, of the patches over which gradients are summed."""


def smoothness(picture: Tensor, cell: int) -> Tensor:
    """W [B, 1, H / cell, W / cell] in [0, 1] of `picture` [B, 3, H, W] in [0, 1]: 1 in flat areas, 0 on edges.

    For each patch 1 - tanh of its sum of gradient magnitudes (Sobel), averaged over the patches of a latent cell.
    """
    grey = F.pad(picture.mean(1, keepdim=True), (1, 1, 1, 1), mode="replicate")
    across = torch.tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]], device=picture.device)
    gradient = F.conv2d(grey, torch.stack([across, across.T])[:, None].to(picture.dtype))
    strength = F.avg_pool2d(gradient.norm(dim=1, keepdim=True), _PATCH, divisor_override=1)
    return F.avg_pool2d(1 - strength.tanh(), cell // _PATCH)


def blend_fidelity(output: Tensor, x0: Tensor, latent: Tensor, weight: Tensor, abar: float, prediction: str) -> Tensor:
    """The network's `output` whose clean latent is x0 - weight (x0 - latent).

    x0 is linear in the prediction (`prediction` is diffusers' prediction type), so a change of x0 is a change of the
    output; the slope is finite as long as abar, the share of the clean latent in x_t, is below 1.
    """
    step = weight * (x0 - latent) / math.sqrt(1 - abar)
    return output + (math.sqrt(abar) * step if prediction == "epsilon" else step)
