"""Depth as frames: on one scale per frame, chunk or clip, at the output size, with a colour map.

In the colour maps near is warm or light, far is cold or dark.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

import torch
import torch.nn.functional as F
from torch import Tensor

from answerprint.backends.base import Backend
from answerprint.backends.depth import ColourMap, DepthBackend, DepthLook
from answerprint.pipeline.passes import Drawn
from answerprint.temporal.depth import DepthAnchor, contain, share_chunk
from answerprint.temporal.options import MethodOptions
from answerprint.temporal.sampler import ChunkMotion

__all__ = ["coloured", "look_of", "share_depth", "show_depth"]

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
"""ColorBrewer's diverging scheme Spectral in eleven classes (Brewer; colorbrewer2.org), 8-bit R'G'B'."""

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
    """Linear interpolation between the classes."""
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
    """Pictures [F, 3, H, W] in [0, 1] of depth [F, H, W] in [0, 1]; "none" repeats depth in three channels."""
    return _MAPS[colours](depth)


def look_of(backend: Backend, method: MethodOptions) -> DepthLook | None:
    """How to show a backend's depth; None for a backend that produces pictures.

    Without consistency each frame has its own scale.
    """
    if not isinstance(backend, DepthBackend):
        return None
    return backend.look if method.consistency else replace(backend.look, span="frame")


def share_depth(
    drawn: Drawn, key: int, links: ChunkMotion | None, anchor: DepthAnchor | None, look: DepthLook
) -> tuple[Tensor, DepthAnchor | None]:
    """A chunk's depth [F, H, W], about 0..1, and the next chunk's anchor; one scale unless `look.span` is "frame"."""
    depth = torch.stack([drawn.picture(k)[0, 0].float() for k in range(len(drawn))])
    if look.span != "frame" and links is not None:
        of_clip = look.span == "clip"
        depth, anchor = share_chunk(
            depth, key, links.to_key, links.to_previous if of_clip else None, anchor if of_clip else None
        )
        depth = contain(depth)
    return depth, anchor if look.span == "clip" else None


def show_depth(depth: Tensor, look: DepthLook, size: tuple[int, int] | None) -> Tensor:
    """Pictures [F, 3, H, W] in [0, 1] of depth [F, h, w].

    `size` is the output width and height, px; None keeps the size. Depth is resized before it is coloured, linearly:
    that creates no depth nearer or farther than its neighbours.
    """
    if size is not None and (size[1], size[0]) != depth.shape[1:]:
        depth = F.interpolate(depth[:, None], (size[1], size[0]), mode="bilinear", antialias=True)[:, 0]
    return coloured(depth.clamp(0, 1), look.colour_map)
