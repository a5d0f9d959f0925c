"""Flow-fused input: before a model sees a chunk, each frame is averaged with its neighbours along their motion.

Noise, grain and coding errors differ from frame to frame and average out; the picture does not. A neighbour's weight
depends on its agreement with the frame: a difference larger than noise explains means wrong motion or an occlusion.
This test replaces the occlusion mask: in flat, noisy areas flow is arbitrary and fails the round trip, although any
such place fits. A clean clip passes unchanged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from answerprint.temporal.grid import Grid, flow_on
from answerprint.temporal.options import Fusion
from answerprint.temporal.protocols import MotionSource
from answerprint.temporal.warp import mean_around, warp

__all__ = ["Fused", "fuse_frames", "limited", "neighbours"]

_SHARES: dict[Fusion, float] = {"off": 0.0, "weak": 0.5, "strong": 1.0}
"""Largest share of a frame that the average may replace."""
_CLEAN = 0.5 / 255
"""Noise at which half of that share is used; less noise is invisible."""
_NOISY = 5.0 / 255
"""Above this noise all frames of a chunk are averaged: the noise reduction outweighs the loss of sharpness."""
_NEAR = 4
"""Neighbours averaged at lower noise."""
_QUANTILE = 0.25
"""Noise is estimated on the flattest quarter of the cells; the others also contain motion errors."""
_BIAS = 1.1
"""Correction of the variance for this quantile and the warp's smoothing (measured for sigma 2 to 50)."""
_SLACK = 1.3
"""Factor over the average noise up to which a difference does not count as an error."""
_IDENTICAL = 1e-9
"""Squared difference below which two cells are copies (made by codecs, black bars): they carry no noise."""
_MIN_CHANGED = 0.5
"""Share of a picture that must not be copies; the few changes in a still picture are motion, not noise."""
_FINE_PX = 5
"""Side of the square whose mean is subtracted from a difference: slow variation is not noise."""
_GAIN_PX = 8
"""Side of the squares in which the brightness of two frames is compared."""
_DARK = 0.05
"""Darker squares are ignored when estimating a fade."""


@dataclass(frozen=True, slots=True)
class Fused:
    """A chunk's frames after fusion."""

    frames: Tensor
    """[F, 3, h, w], in the range of the input."""
    noise: float
    """Measured standard deviation of one source frame's noise, 0..1."""


@dataclass(frozen=True, slots=True)
class _Moved:
    """A neighbour, warped to a frame's grid."""

    picture: Tensor
    """[3, h, w]"""
    inside: Tensor
    """[h, w] bool: True where the neighbour's picture has content."""
    squares: Tensor
    """[h, w]: squared difference to the frame, averaged over channels and around each pixel."""


def neighbours(k: int, frames: int, count: int) -> list[int]:
    """Positions of the `count` frames nearest to frame k in a chunk of `frames`, without k."""
    return sorted((j for j in range(frames) if j != k), key=lambda j: (abs(j - k), j))[:count]


def fuse_frames(low: Tensor, frames: Sequence[int], motion: MotionSource, fusion: Fusion) -> Fused:
    """Average each frame of low [F, 3, h, w] with its neighbours in the chunk, according to their noise.

    `frames` are their absolute source indices, as `motion` expects them. low is finite and within 0..1.
    """
    if len(frames) < 2:
        return Fused(low, _guess_noise(low[0]))
    grid = Grid(low.shape[2], low.shape[3], low.shape[2], low.shape[3])

    def moved(k: int, j: int) -> _Moved:
        return _move(low[j], low[k], flow_on(motion.flow(frames[k], frames[j]), grid).to(low.device))

    near = {k: {j: moved(k, j) for j in neighbours(k, len(frames), 1)} for k in range(len(frames))}
    variance = _noise_variance([(low[k], each) for k, found in near.items() for each in found.values()])
    share = _SHARES[fusion] * variance / (variance + _CLEAN**2)
    if share < 0.05:
        return Fused(low, variance**0.5)
    count = _NEAR if variance < _NOISY**2 else len(frames) - 1
    out = torch.empty_like(low)
    for k, own in enumerate(low):
        total, weights = own.clone(), torch.ones_like(own[0])
        for j in neighbours(k, len(frames), count):
            found = near[k].pop(j, None) or moved(k, j)
            weight = _agreement(found, variance)
            total += weight * found.picture
            weights += weight
        out[k] = torch.lerp(own, total / weights, share)
    return Fused(out, variance**0.5)


def limited(low: Tensor) -> Tensor:
    """low [F, 3, h, w] clamped to 0..1; NaN, which float pictures may contain, becomes black."""
    return low.nan_to_num(nan=0.0, posinf=1.0, neginf=0.0).clamp(0, 1)


def _move(other: Tensor, own: Tensor, flow: Tensor) -> _Moved:
    """Warp `other` [3, h, w] to the grid of `own` by `flow` [2, h, w], from `own` into `other`."""
    height, width = own.shape[1:]
    y = torch.arange(height, device=own.device)[:, None] + flow[1]
    x = torch.arange(width, device=own.device)[None, :] + flow[0]
    inside = (y >= -0.5) & (y <= height - 0.5) & (x >= -0.5) & (x <= width - 0.5)
    # Require the whole square that agreement is averaged over.
    inside = mean_around(inside.float()) > 0.999
    picture = warp(other, flow, "bicubic")
    picture *= _gain(picture, own, inside)
    return _Moved(picture, inside, mean_around((picture - own).square_().mean(0)))


def _gain(picture: Tensor, own: Tensor, inside: Tensor) -> Tensor:
    """Gain that matches the brightness of a neighbour's picture [3, h, w] to the frame's, for fades and exposure.

    Without it a fade would be averaged into one step per chunk.
    """
    theirs, ours = (F.avg_pool2d(p.mean(0, keepdim=True), min(_GAIN_PX, *inside.shape)) for p in (picture, own))
    whole = F.avg_pool2d(inside[None].float(), min(_GAIN_PX, *inside.shape)) > 0.999
    usable = whole & (theirs > _DARK) & (ours > _DARK)
    return (ours / theirs)[usable].median() if bool(usable.any()) else theirs.new_ones(())


def _agreement(moved: _Moved, variance: float) -> Tensor:
    """Weight [h, w] in [0, 1]: noise / (noise + error), the weight of inverse-variance averaging."""
    error = (moved.squares - 2 * _SLACK * variance).clamp(min=0)
    return moved.inside * (variance / (variance + error))


def _noise_variance(pairs: Sequence[tuple[Tensor, _Moved]]) -> float:
    """Noise variance of one frame, from frames [3, h, w] and neighbours warped to them; 0 if nearly all are copies."""
    found = []
    for own, moved in pairs:
        usable = moved.inside & (moved.squares > _IDENTICAL)
        if int(usable.sum()) > _MIN_CHANGED * int(moved.inside.sum()):
            difference = moved.picture - own
            fine = mean_around((difference - mean_around(difference, _FINE_PX)).square_().mean(0))[usable]
            # kthvalue, because quantile accepts 16 million values at most.
            found.append(fine.kthvalue(max(1, int(_QUANTILE * fine.numel())))[0])
    return _BIAS * float(torch.stack(found).median()) / 2 if found else 0.0


def _guess_noise(picture: Tensor) -> float:
    """Standard deviation of the noise of one picture [3, h, w] alone, by Immerkaer's operator (1996) and the median.

    Less exact than the estimate between frames: fine texture counts as noise.
    """
    if min(picture.shape[1:]) < 3:
        return 0.0
    luma = torch.einsum("chw,c->hw", picture, picture.new_tensor([0.2126, 0.7152, 0.0722]))
    row = luma.new_tensor([1.0, -2.0, 1.0])
    response = F.conv2d(luma[None, None], torch.outer(row, row)[None, None])
    return float(response.abs().median()) * 1.4826 / 6
