"""Depth as frames: on a scale that is shared as long as was asked for, at the wanted size, in the wanted colours."""

from __future__ import annotations

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from answerprint.backends.base import Backend
from answerprint.backends.depth import DepthBackend, DepthLook
from answerprint.temporal.depth import DepthAnchor, contain, share_chunk
from answerprint.temporal.options import MethodOptions
from answerprint.temporal.sampler import ChunkMotion

from .colour_map import coloured
from .passes import Drawn

__all__ = ["look_of", "share_depth", "show_depth"]


def look_of(backend: Backend, method: MethodOptions) -> DepthLook | None:
    """How a backend's depth is to be shown; None for one that gives pictures.

    Where no frame is tied to another, none shares its scale either.
    """
    if not isinstance(backend, DepthBackend):
        return None
    return backend.look if method.consistency else replace(backend.look, span="frame")


def share_depth(
    drawn: Drawn, key: int, links: ChunkMotion | None, anchor: DepthAnchor | None, look: DepthLook
) -> tuple[Tensor, DepthAnchor | None]:
    """A chunk's depth [F, H, W], on one scale where that was asked for, and what the next chunk of the shot aligns to.

    It is about [0, 1].
    """
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

    `size` is the width and height, px, of the result; None leaves it as it is. Resizing comes before colours, and is
    linear: it makes no depth that is nearer or farther than what is beside it.
    """
    if size is not None and (size[1], size[0]) != depth.shape[1:]:
        depth = F.interpolate(depth[:, None], (size[1], size[0]), mode="bilinear", antialias=True)[:, 0]
    return coloured(depth.clamp(0, 1), look.colour_map)
