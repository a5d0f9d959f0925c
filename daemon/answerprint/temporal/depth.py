"""One scale and one shift of depth for all frames of a shot.

Depth from one picture is affine-invariant: it is known up to a scale s and a shift t, which differ from frame to frame,
so depth flickers. Here s and t are fitted on points that two frames share, along the flow, and applied: d' = s d + t.

s is the geometric mean of two least-squares slopes, that of D on d and the inverse of that of d on D: the ratio of
their standard deviations. Least squares of D on d alone shrinks the scale by the share of noise in d, a little with
each chunk: depth would fade over a long shot. (Ricker 1984, "Computation and uses of central trend lines".)

Moving objects change their depth, and flow has errors. The fit therefore starts from a line that tolerates up to 29 %
of outliers (the median slope of pairs: Theil 1950, Sen 1968), and is refined in rounds that down-weight cells far from
the line (Geman and McClure 1987).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from answerprint.temporal.protocols import Correspondence
from answerprint.temporal.warp import warp

__all__ = ["HEADROOM", "Affine", "DepthAnchor", "contain", "fit", "share_chunk"]

HEADROOM = 0.1
"""Share of [0, 1] that `contain` reserves at each end for depth outside the range of a shot's first keyframe."""

_ROUNDS = 5
_PAIRINGS = 8
"""Partners of each cell when estimating the initial slope."""
_FAR = 3.0
"""Standard deviations from the line at which a cell has a quarter of its weight."""
_MAD_TO_DEVIATION = 1.4826
_MIN_SHARED = 0.02
"""Share of a frame that must be visible in the other one to fit their scales."""
_ANCHOR_CELL_PX = 4
"""Pixels per cell, along each axis, of an anchor made without flow."""
_FLAT = 1e-6
"""Standard deviation below which depth counts as constant and has no scale."""


@dataclass(frozen=True, slots=True)
class Affine:
    """d' = scale d + shift."""

    scale: float = 1.0
    shift: float = 0.0

    def __call__(self, depth: Tensor) -> Tensor:
        """Map `depth`, of any shape, to the shared scale."""
        return depth * self.scale + self.shift


@dataclass(frozen=True, slots=True)
class DepthAnchor:
    """Reference that the next chunk of a shot aligns its depth to."""

    depth: Tensor
    """[h, w] float32: the keyframe's depth on the shared scale, on the grid of its flow; not limited to [0, 1]."""
    affine: Affine
    """The keyframe's own mapping: used if two keyframes have nothing in common."""


def share_chunk(
    depth: Tensor,
    key: int,
    to_key: Sequence[Correspondence | None],
    to_previous: Correspondence | None,
    anchor: DepthAnchor | None,
) -> tuple[Tensor, DepthAnchor]:
    """A chunk's depth [F, H, W] on one scale, and the anchor for the next chunk.

    Without an anchor the scale is the keyframe's own. `to_key` and `to_previous` are as in `ChunkMotion`.
    """
    own = Affine()
    if anchor is not None:
        own = anchor.affine
        if to_previous is not None:
            own = fit(_on_grid(depth[key], to_previous), anchor.depth, to_previous) or own
    shared = own(depth)
    for k, motion in enumerate(to_key):
        if motion is None or k == key:
            continue
        found = fit(_on_grid(depth[k], motion), _on_grid(shared[key], motion), motion)
        if found is not None:
            shared[k] = found(depth[k])
    grid = to_previous or next((motion for motion in to_key if motion is not None), None)
    if grid is None:
        # A one-frame chunk that opens its shot; `fit` later resamples it to the flow's grid.
        height, width = (-(-side // _ANCHOR_CELL_PX) for side in shared[key].shape)
        return shared, DepthAnchor(_means(shared[key], height, width), own)
    return shared, DepthAnchor(_on_grid(shared[key], grid), own)


def fit(depth: Tensor, target: Tensor, motion: Correspondence) -> Affine | None:
    """The scale and shift that map `depth` [h, w] to `target`, sampled along `motion`; all on one grid.

    None if they share too little, if either is constant, or if they are not positively correlated.
    """
    if target.shape != depth.shape:
        target = _means(target, *depth.shape)
    seen = (motion.valid > 0.5) & (depth > 0) & (depth < 1)  # the model clips depth, which hides its scale
    if int(seen.sum()) < max(16, _MIN_SHARED * seen.numel()):
        return None
    d = depth[seen].double()
    there = warp(target[None], motion.flow)[0][seen].double()
    found = _start(d, there)
    for _ in range(_ROUNDS):
        if found is None:
            return None
        error = found(d) - there
        deviation = max(_MAD_TO_DEVIATION * float(error.abs().median()), _FLAT)
        found = _line(d, there, 1 / (1 + (error / (_FAR * deviation)) ** 2) ** 2)
    return found


def _start(d: Tensor, target: Tensor) -> Affine | None:
    """The line of median slope and median intercept."""
    order = torch.arange(len(d))
    # Partners at golden-ratio steps: spread over the whole picture, and deterministic.
    steps = [max(1, round(len(d) * ((k * 0.6180339887) % 1))) for k in range(1, _PAIRINGS + 1)]
    partners = [(order + step) % len(d) for step in steps]
    run = torch.cat([d[partner] - d for partner in partners])
    rise = torch.cat([target[partner] - target for partner in partners])
    wide = run.abs() > max(float(run.abs().median()), _FLAT)
    if not bool(wide.any()):
        return None
    slope = float((rise[wide] / run[wide]).median())
    return Affine(slope, float((target - slope * d).median())) if slope > 0 else None


def _line(d: Tensor, target: Tensor, weight: Tensor) -> Affine | None:
    """The weighted line from `d` to `target` whose slope is the ratio of their standard deviations."""
    total = weight.sum()
    mean, mean_target = (weight * d).sum() / total, (weight * target).sum() / total
    spread, spread_target = d - mean, target - mean_target
    deviation = float(((weight * spread**2).sum() / total).sqrt())
    deviation_target = float(((weight * spread_target**2).sum() / total).sqrt())
    if min(deviation, deviation_target) < _FLAT or float((weight * spread * spread_target).sum()) <= 0:
        return None
    scale = deviation_target / deviation
    return Affine(scale, float(mean_target) - scale * float(mean))


def _on_grid(depth: Tensor, motion: Correspondence) -> Tensor:
    """`depth` [H, W] as means over the cells of the grid of `motion`: [h, w] float32, on the CPU."""
    height, width = motion.valid.shape
    return _means(depth, height, width)


def _means(depth: Tensor, height: int, width: int) -> Tensor:
    return F.interpolate(depth[None, None].float(), (height, width), mode="area")[0, 0].cpu()


def contain(depth: Tensor) -> Tensor:
    """Map depth on a shared scale, of any shape and any values, into (0, 1) by one fixed, increasing curve.

    [0, 1], the range of a shot's first keyframe, is mapped linearly to the middle. Depth outside of it, where something
    came nearer or went farther away, approaches 0 and 1 along hyperbolas that continue the line smoothly: nothing is
    clipped, order is kept, and equal depth has equal values in every chunk.
    """
    middle = depth.clamp(0, 1)
    slope = 1 - 2 * HEADROOM
    beyond = depth - middle  # negative in front of the near end, positive behind the far end
    bent = HEADROOM * slope * beyond / (HEADROOM + slope * beyond.abs())
    return HEADROOM + slope * middle + bent
