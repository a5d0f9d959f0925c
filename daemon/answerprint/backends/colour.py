"""Colour fix: combine the detail of one picture with the colours of another by an undecimated wavelet transform.

The transform is the a-trous one of Holschneider et al. (1989); its use on restored pictures is that of StableSR (Wang
et al. 2024, section 3.4) and DiffBIR.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["fix_colour", "low_band"]

LEVELS = 5


def low_band(picture: Tensor) -> Tensor:
    """Low-pass `picture` [B, C, H, W] by `LEVELS` blurs of [1, 2, 1] x [1, 2, 1] / 16, dilated 1, 2, 4, ...

    Borders are replicated.
    """
    channels = picture.shape[1]
    row = torch.tensor([0.25, 0.5, 0.25], dtype=picture.dtype, device=picture.device)
    kernel = torch.outer(row, row).expand(channels, 1, 3, 3)
    for level in range(LEVELS):
        reach = 2**level
        padded = F.pad(picture, (reach, reach, reach, reach), mode="replicate")
        picture = F.conv2d(padded, kernel, groups=channels, dilation=reach)
    return picture


def fix_colour(sample: Tensor, style: Tensor) -> Tensor:
    """The high bands of `sample` plus the low band of `style`, both [B, C, H, W]; not clamped.

    The sum of all high bands is the picture minus its low band.
    """
    return sample - low_band(sample) + low_band(style)
