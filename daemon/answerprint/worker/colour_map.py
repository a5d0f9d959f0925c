"""Colours for looking at depth: near is warm or light, far is cold or dark."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
from torch import Tensor

from answerprint.backends.depth import ColourMap

__all__ = ["coloured"]

_SPECTRAL = (
    (158, 1, 66),
    (213, 62, 79),
    (244, 109, 67),
    (253, 174, 97),
    (254, 224, 139),
    (255, 255, 191),
    (230, 245, 152),
    (171, 221, 164),
    (102, 194, 165),
    (50, 136, 189),
    (94, 79, 162),
)
"""ColorBrewer's diverging scheme Spectral in eleven classes (Brewer; colorbrewer2.org), R'G'B' of 8 bits."""

_TURBO = (
    (0.13572138, 4.61539260, -42.66032258, 132.13108234, -152.94239396, 59.28637943),
    (0.09140261, 2.19418839, 4.84296658, -14.18503333, 4.27729857, 2.82956604),
    (0.10667330, 12.64194608, -60.58204836, 110.36276771, -89.90310912, 27.34824973),
)
"""Coefficients, lowest power first, of red, green and blue: the published polynomial of Turbo (Mikhailov 2019)."""


def _grey(depth: Tensor) -> Tensor:
    return (1 - depth)[:, None].expand(-1, 3, -1, -1)


def _plain(depth: Tensor) -> Tensor:
    return depth[:, None].expand(-1, 3, -1, -1)


def _spectral(depth: Tensor) -> Tensor:
    """Linear between the classes."""
    colours = torch.tensor(_SPECTRAL, dtype=depth.dtype, device=depth.device) / 255
    place = depth * (len(colours) - 1)
    below = place.floor().clamp(max=len(colours) - 2).long()
    mixed = torch.lerp(colours[below], colours[below + 1], (place - below)[..., None])
    return mixed.movedim(-1, 1)


def _turbo(depth: Tensor) -> Tensor:
    """Near is red, far is blue."""
    x = 1 - depth
    channels = []
    for coefficients in _TURBO:
        value = torch.zeros_like(x)
        for coefficient in reversed(coefficients):
            value = value * x + coefficient
        channels.append(value)
    return torch.stack(channels, 1).clamp(0, 1)


_MAPS: Mapping[ColourMap, Callable[[Tensor], Tensor]] = MappingProxyType(
    {"none": _plain, "grey": _grey, "spectral": _spectral, "turbo": _turbo}
)


def coloured(depth: Tensor, colours: ColourMap) -> Tensor:
    """Pictures [F, 3, H, W] in [0, 1] of depth [F, H, W] in [0, 1]; none gives depth itself in three channels."""
    return _MAPS[colours](depth)
