"""Short, small clips whose motion is known or real, with the truth that a restoration is measured against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from answerprint.flow.pair import Flow
from answerprint.frames.frame import Picture
from answerprint.metrics.comparison import Case, read_truth
from answerprint.metrics.degradations import Degradation, degrade_clip, resize
from answerprint.metrics.temporal import ReferenceMotion
from metrics.scenes import pan

SCALE = 4
"""How far the truth is shrunk; the models enlarge as much, or not at all."""

_WIDEST = 320
"""Pixels of the truth."""
_DAMAGE = "bicubic,noise=2"
_PAN = (6.0, -3.0)
"""Motion of the drawn pan, pixels of the truth a frame: right, down."""


@dataclass(frozen=True, slots=True)
class Footage:
    """A clip."""

    name: str
    truth: Sequence[Picture]
    step: tuple[float, float] | None
    """Pixels of the truth that everything moves a frame, right and down; None where it is not known."""

    @property
    def low(self) -> Sequence[Picture]:
        """What is to be restored."""
        return degrade_clip(list(self.truth), SCALE, Degradation.parse(_DAMAGE), 0, 0)

    def reference(self, scale: int) -> tuple[Sequence[Picture], ReferenceMotion]:
        """Truth and its motion for results that are `scale` times as large as the source: 1 or `SCALE`."""
        clip = self.truth if scale == SCALE else self.low
        if self.step is None:
            return clip, ReferenceMotion(clip)
        return clip, KnownMotion(clip, (self.step[0] * scale / SCALE, self.step[1] * scale / SCALE))


class KnownMotion(ReferenceMotion):
    """Motion of a clip in which everything moves by `step` pixels a frame, right and down, without a cut."""

    def __init__(self, clip: Sequence[Picture], step: tuple[float, float]) -> None:
        super().__init__(clip, cuts=())
        self._step = np.array(step, np.float32)

    def flow(self, source: int, target: int) -> Flow:
        """The steps between the two frames, for every pixel [H, W, 2]."""
        return np.broadcast_to(self._step * np.float32(target - source), (*self.shape[:2], 2)).copy()


def drawn_pan(frames: int, width: int = 256, height: int = 192) -> Footage:
    """A texture like a photograph's, under a moving camera."""
    return Footage("drawn pan", pan(frames, height, width, step=_PAN), _PAN)


def real_clip(path: Path, frames: int) -> Footage:
    """The first frames of a film: the whole picture, shrunk where it is wide, so that motion stays in sight."""
    clip = read_truth(Case(path, scale=SCALE, frames=frames))
    height, width = clip[0].shape[:2]
    factor = -(-width // _WIDEST)
    unit = 2 * SCALE
    width, height = width // factor // unit * unit, height // factor // unit * unit
    return Footage(path.stem, [resize(picture, width, height) for picture in clip], None)
