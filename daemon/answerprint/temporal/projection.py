"""Back-projection (Irani and Peleg 1991): a restored picture, shrunk, is the source again.

A generator draws sharp detail and drifts in tone and shape while it does; what it drifted by is known at the source's
size, and is put back. As far as the source is noise, it must not be: there only the slow part of the drift, which noise
does not reach, is put back. And light is never negative: where the source is dark all around, no pixel of the result
can be bright, so black stays black whatever a model draws on it; white likewise.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["back_project"]

_NOISY = 5.5 / 255
"""Noise at which half of the fine drift is put back (measured: at 2 levels nearly all serves, at 6 about half)."""
_BRIGHTER = 4.0
"""Times by which a pixel may be brighter than the brightest of the source about it, or nearer to white than that."""
_SLOW = 2.0
"""Standard deviation, in pixels of the source, of the blur that parts slow drift from fine."""


def back_project(picture: Tensor, source: Tensor, noise: float, share: float = 1.0) -> Tensor:
    """`picture` [F, C, H, W] with what it drifted from `source` [F, C, h, w] put back; H >= h, W >= w.

    `noise` is the standard deviation of the source's noise, 0..1; `share`, 0..1, how much is put back at all.
    """
    size = (int(source.shape[2]), int(source.shape[3]))
    drift = source - F.interpolate(picture, size=size, mode="area")
    drift = torch.lerp(_slow(drift), drift, 1 / (1 + (noise / _NOISY) ** 2))
    whole = (int(picture.shape[2]), int(picture.shape[3]))
    put_back = picture + F.interpolate(drift, size=whole, mode="bicubic", align_corners=False)
    return torch.lerp(picture, _within(put_back, source), share)


def _within(picture: Tensor, source: Tensor) -> Tensor:
    """`picture` kept to what the source's light allows: it binds near black and near white alone."""
    size = (int(picture.shape[2]), int(picture.shape[3]))
    brightest = F.max_pool2d(source, 3, stride=1, padding=1)
    darkest = -F.max_pool2d(-source, 3, stride=1, padding=1)
    most = F.interpolate(_BRIGHTER * brightest, size=size, mode="nearest")
    least = F.interpolate(1 - _BRIGHTER * (1 - darkest), size=size, mode="nearest")
    return torch.minimum(torch.maximum(picture, least), most)


def _slow(field: Tensor) -> Tensor:
    """Gaussian blur of [F, C, h, w], borders repeated."""
    reach = int(3 * _SLOW)
    at = torch.arange(-reach, reach + 1, dtype=field.dtype, device=field.device)
    weights = torch.exp(-(at**2) / (2 * _SLOW**2))
    weights = (weights / weights.sum()).expand(field.shape[1], 1, 1, -1)
    across = F.conv2d(F.pad(field, (reach, reach, 0, 0), mode="replicate"), weights, groups=field.shape[1])
    down = F.pad(across, (0, 0, reach, reach), mode="replicate")
    return F.conv2d(down, weights.transpose(2, 3), groups=field.shape[1])
