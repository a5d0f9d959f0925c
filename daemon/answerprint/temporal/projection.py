"""Back-projection (Irani and Peleg 1991): a restored picture, scaled down, should equal the source.

A generative model adds sharp detail but drifts in tone and shape. At the source's size the drift is known and can be
corrected. The source's noise must not come back, so for noisy sources only the low frequencies of the drift are
corrected. Where the source is dark all around, no pixel of the result may be bright, so black stays black; white
likewise.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["back_project"]

_NOISY = 5.5 / 255
"""Noise at which half of the fine drift is corrected (measured: best is nearly all at 2 levels, about half at 6)."""
_BRIGHTER = 4.0
"""Factor by which a pixel may exceed the brightest source pixel around it; likewise for the distance from white."""
_SLOW = 2.0
"""Standard deviation, in source pixels, of the blur that separates slow drift from fine drift."""


def back_project(picture: Tensor, source: Tensor, noise: float, share: float = 1.0) -> Tensor:
    """`picture` [F, C, H, W] with its drift from `source` [F, C, h, w] corrected; H >= h, W >= w.

    `noise` is the standard deviation of the source's noise, 0..1; `share`, 0..1, the share of the correction.
    """
    size = (int(source.shape[2]), int(source.shape[3]))
    drift = source - F.interpolate(picture, size=size, mode="area")
    drift = torch.lerp(_slow(drift), drift, 1 / (1 + (noise / _NOISY) ** 2))
    whole = (int(picture.shape[2]), int(picture.shape[3]))
    corrected = picture + F.interpolate(drift, size=whole, mode="bicubic", align_corners=False)
    return torch.lerp(picture, _within(corrected, source), share)


def _within(picture: Tensor, source: Tensor) -> Tensor:
    """`picture` clamped to the brightness that the source allows; only takes effect near black and near white."""
    size = (int(picture.shape[2]), int(picture.shape[3]))
    brightest = F.max_pool2d(source, 3, stride=1, padding=1)
    darkest = -F.max_pool2d(-source, 3, stride=1, padding=1)
    most = F.interpolate(_BRIGHTER * brightest, size=size, mode="nearest")
    least = F.interpolate(1 - _BRIGHTER * (1 - darkest), size=size, mode="nearest")
    return torch.minimum(torch.maximum(picture, least), most)


def _slow(field: Tensor) -> Tensor:
    """Gaussian blur of [F, C, h, w] with replicated borders."""
    reach = int(3 * _SLOW)
    at = torch.arange(-reach, reach + 1, dtype=field.dtype, device=field.device)
    weights = torch.exp(-(at**2) / (2 * _SLOW**2))
    weights = (weights / weights.sum()).expand(field.shape[1], 1, 1, -1)
    across = F.conv2d(F.pad(field, (reach, reach, 0, 0), mode="replicate"), weights, groups=field.shape[1])
    down = F.pad(across, (0, 0, reach, reach), mode="replicate")
    return F.conv2d(down, weights.transpose(2, 3), groups=field.shape[1])
