"""Flow-fused input: before a model sees a chunk, each frame is averaged with its neighbours along their motion.

Noise, grain and coding errors differ from frame to frame and average out; the picture does not. A neighbour counts as
far as it agrees with the frame: where the two differ by more than noise explains, the motion is wrong or something
came into view. That test takes the place of the occlusion mask, for in flat, noisy places a flow is arbitrary, so its
round trip fails, and yet every such place is as good as any other. A clean clip passes unchanged.
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
"""The most that the average can replace of a frame."""
_CLEAN = 0.5 / 255
"""Noise at which half of that is used; less noise cannot be seen."""
_NOISY = 5.0 / 255
"""Above this noise, all frames of a chunk take part: what far ones lose in sharpness is less than what they gain."""
_NEAR = 4
"""Frames that take part where there is less noise."""
_QUANTILE = 0.25
"""The flattest quarter of the places shows noise alone; in the others the motion's errors come in."""
_BIAS = 1.1
"""What this quantile, and the smoothing of the warp, hide of the noise's variance (measured for sigma 2 to 50)."""
_SLACK = 1.3
"""Times by which a place may differ more than noise does on average, before the difference counts as an error."""
_LEAST = 1e-9
"""Squared difference below which two places are copies, as codecs and black bars make them: they show no noise."""
_TELLING = 0.5
"""Share of a picture that must be no copy; what changes in a still picture is motion, and tells nothing of noise."""
_FINE_PX = 5
"""Side of the square whose mean is taken off a difference before it counts as noise: what is broad is no noise."""
_LIGHT_PX = 8
"""Side of the squares that the light of two frames is compared in."""
_DARK = 0.05
"""Squares that are darker tell nothing of a fade."""


@dataclass(frozen=True, slots=True)
class Fused:
    """A chunk's frames after fusion."""

    frames: Tensor
    """[F, 3, h, w], in the range of what was given."""
    noise: float
    """Standard deviation of the noise that was measured in one frame of the source, 0..1."""


@dataclass(frozen=True, slots=True)
class _Moved:
    """A neighbour, brought to a frame's grid."""

    picture: Tensor
    """[3, h, w]"""
    inside: Tensor
    """[h, w] bool: what lies in the neighbour's picture."""
    squares: Tensor
    """[h, w]: squared difference to the frame, mean over channels and about each pixel."""


def neighbours(k: int, frames: int, count: int) -> list[int]:
    """The `count` frames of a chunk of `frames` that are nearest to frame k, without it."""
    return sorted((j for j in range(frames) if j != k), key=lambda j: (abs(j - k), j))[:count]


def fuse_frames(low: Tensor, frames: Sequence[int], motion: MotionSource, fusion: Fusion) -> Fused:
    """Average each frame of low [F, 3, h, w] with its neighbours in the chunk, as strongly as their noise asks for.

    `frames` are their absolute indices, by which `motion` knows them. low is within 0..1, without non-numbers.
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
    """low [F, 3, h, w] within 0..1; what is not a number (float pictures can hold it) becomes black."""
    return low.nan_to_num(nan=0.0, posinf=1.0, neginf=0.0).clamp(0, 1)


def _move(other: Tensor, own: Tensor, flow: Tensor) -> _Moved:
    """`other` [3, h, w] along `flow` [2, h, w] from `own`'s grid into it."""
    height, width = own.shape[1:]
    y = torch.arange(height, device=own.device)[:, None] + flow[1]
    x = torch.arange(width, device=own.device)[None, :] + flow[0]
    inside = (y >= -0.5) & (y <= height - 0.5) & (x >= -0.5) & (x <= width - 0.5)
    # With all that is judged about it.
    inside = mean_around(inside.float()) > 0.999
    picture = warp(other, flow, "bicubic")
    picture *= _gain(picture, own, inside)
    return _Moved(picture, inside, mean_around((picture - own).square_().mean(0)))


def _gain(picture: Tensor, own: Tensor, inside: Tensor) -> Tensor:
    """What brings the light of a neighbour's picture [3, h, w] to that of the frame: fades and exposure multiply it.

    Without it a fade would be averaged to steps, one a chunk.
    """
    theirs, ours = (F.avg_pool2d(p.mean(0, keepdim=True), min(_LIGHT_PX, *inside.shape)) for p in (picture, own))
    whole = F.avg_pool2d(inside[None].float(), min(_LIGHT_PX, *inside.shape)) > 0.999
    told = whole & (theirs > _DARK) & (ours > _DARK)
    return (ours / theirs)[told].median() if bool(told.any()) else theirs.new_ones(())


def _agreement(moved: _Moved, variance: float) -> Tensor:
    """Weight [h, w] in [0, 1]: noise over noise and error, as for the best mean of measurements of unlike quality."""
    error = (moved.squares - 2 * _SLACK * variance).clamp(min=0)
    return moved.inside * (variance / (variance + error))


def _noise_variance(pairs: Sequence[tuple[Tensor, _Moved]]) -> float:
    """Of one frame, from frames [3, h, w] and what was moved onto them; 0 where nearly all are copies."""
    found = []
    for own, moved in pairs:
        told = moved.inside & (moved.squares > _LEAST)
        if int(told.sum()) > _TELLING * int(moved.inside.sum()):
            difference = moved.picture - own
            fine = mean_around((difference - mean_around(difference, _FINE_PX)).square_().mean(0))[told]
            # kthvalue, since quantile takes 16 million values at most.
            found.append(fine.kthvalue(max(1, int(_QUANTILE * fine.numel())))[0])
    return _BIAS * float(torch.stack(found).median()) / 2 if found else 0.0


def _guess_noise(picture: Tensor) -> float:
    """Standard deviation of the noise of one picture [3, h, w] alone, by Immerkaer's operator (1996) and the median.

    Between frames it is measured; here fine texture counts as noise.
    """
    if min(picture.shape[1:]) < 3:
        return 0.0
    luma = torch.einsum("chw,c->hw", picture, picture.new_tensor([0.2126, 0.7152, 0.0722]))
    row = luma.new_tensor([1.0, -2.0, 1.0])
    response = F.conv2d(luma[None, None], torch.outer(row, row)[None, None])
    return float(response.abs().median()) * 1.4826 / 6
