"""Motion between frames in the method's form, from cached, quantised flow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from answerprint.flow.consistency import confidence, occlusion
from answerprint.flow.pair import GRID_STEP, Flow, FlowPair
from answerprint.flow.prepare import FlowPicture
from answerprint.flow.source import FlowSource
from answerprint.temporal.options import MethodOptions
from answerprint.temporal.protocols import Correspondence
from answerprint.temporal.sampler import ChunkMotion

__all__ = ["ClipMotion", "needs_motion", "needs_noise"]


def needs_motion(options: MethodOptions) -> bool:
    """Whether any option of the method needs optical flow."""
    if not options.consistency:
        return False
    matched = options.merge and ("flow" in (options.match_down, options.match_mid, options.match_up))
    centred = options.merge and options.centre == "flow"
    return needs_noise(options) or options.warp or options.noise == "flow" or matched or centred


def needs_noise(options: MethodOptions) -> bool:
    """Whether any option of the method needs the clip's noise level."""
    tolerates = options.warp and options.warp_tolerance > 0
    return options.consistency and (options.fusion != "off" or options.back_projection > 0 or tolerates)


@dataclass(slots=True)
class ClipMotion:
    """Motion between the frames of a chunk and the previous keyframe; each pair is computed once."""

    source: FlowSource
    _pictures: dict[int, FlowPicture] = field(default_factory=dict)
    _pairs: dict[tuple[int, int], FlowPair] = field(default_factory=dict)

    def hold(self, pictures: dict[int, FlowPicture]) -> None:
        """Replace the held frames; keys are absolute source indices."""
        self._pictures, self._pairs = dict(pictures), {}

    def flow(self, source: int, target: int) -> Tensor:
        """Flow [2, h, w] on frame `source`'s grid, pointing into `target`. Raises KeyError for a frame not held."""
        return _channels_first(self._pair(source, target).forward)

    def between(self, source: int, target: int) -> Correspondence:
        """Correspondence on frame `source`'s grid, pointing into `target`. Raises KeyError for a frame not held."""
        pair = self._pair(source, target)
        return Correspondence(
            _channels_first(pair.forward),
            torch.from_numpy(occlusion(pair.forward, pair.backward, GRID_STEP)),
            torch.from_numpy(confidence(pair.forward, pair.backward, GRID_STEP)),
        )

    def _pair(self, source: int, target: int) -> FlowPair:
        first, second = sorted((source, target))
        if (first, second) not in self._pairs:
            self._pairs[first, second] = self.source.between(self._pictures[first], self._pictures[second])
        pair = self._pairs[first, second]
        return pair if source == first else pair.swapped

    def likeness(self, frames: Sequence[int]) -> list[float]:
        """Minus the summed mean absolute luma difference to all other frames: a cheap proxy for good flow."""
        small = [_thumbnail(self._pictures[f].luma) for f in frames]
        return [-float(sum(np.abs(a - b).mean() for b in small)) for a in small]

    def of_chunk(self, frames: Sequence[int], key: int, previous: int | None, *, back: bool) -> ChunkMotion:
        """Motion of a chunk: each frame into the keyframe, with `back` also the reverse, and key to previous key."""
        others = [k for k in range(len(frames)) if k != key]
        to_key: list[Correspondence | None] = [None] * len(frames)
        from_key: list[Correspondence | None] = [None] * len(frames)
        for k in others:
            to_key[k] = self.between(frames[k], frames[key])
            from_key[k] = self.between(frames[key], frames[k]) if back else None
        to_previous = None if previous is None else self.between(frames[key], previous)
        return ChunkMotion(to_key, from_key, to_previous)


def _channels_first(flow: Flow) -> Tensor:
    return torch.from_numpy(flow.transpose(2, 0, 1).copy())


def _thumbnail(luma: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Block means on a grid with a short side of about 32 cells."""
    step = max(1, min(luma.shape) // 32)
    height, width = luma.shape[0] // step * step, luma.shape[1] // step * step
    cells = luma[:height, :width].reshape(height // step, step, width // step, step)
    return np.asarray(cells.mean((1, 3)), np.float32)
