"""Footage whose motion is known exactly, and the motion sources that say so."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import skimage.data
import torch
import torch.nn.functional as F
from torch import Tensor

from answerprint.temporal.grid import Grid
from answerprint.temporal.protocols import Correspondence

__all__ = ["Rectangle", "Scene", "photograph", "raster", "still", "turned"]

Rectangle = tuple[int, int, int, int]
"""Top, left, height and width."""


def raster(height: int, width: int) -> Grid:
    """A grid without padding."""
    return Grid(height, width, height, width)


def still(height: int, width: int) -> Correspondence:
    """Nothing moves and everything is seen."""
    return Correspondence(torch.zeros(2, height, width), torch.ones(height, width), torch.ones(height, width))


@cache
def photograph(height: int, width: int) -> Tensor:
    """[3, height, width] float32 in [-1, 1]: a cup of coffee."""
    picture = torch.from_numpy(skimage.data.coffee()).permute(2, 0, 1).float() / 127.5 - 1
    return F.interpolate(picture[None], (height, width), mode="bicubic", antialias=True, align_corners=False)[0]


def turned(zoom: float, degrees: float, right: float = 0.0, down: float = 0.0) -> Tensor:
    """[2, 3] map from a frame's points (x, y from its centre) to points of the scene."""
    a = math.radians(degrees)
    rows = [[zoom * math.cos(a), -zoom * math.sin(a), right], [zoom * math.sin(a), zoom * math.cos(a), down]]
    return torch.tensor(rows, dtype=torch.float64)


@dataclass(frozen=True, slots=True)
class Scene:
    """A smooth texture under a moving camera, with a plate that passes before it: a `MotionSource`."""

    height: int
    width: int
    cameras: tuple[Tensor, ...]
    """One map [2, 3] a frame, as `turned` gives."""
    plates: tuple[Rectangle, ...] = ()
    """Where the plate stands in each frame; empty for none."""

    def picture(self, frame: int) -> Tensor:
        """[3, height, width] float32, standard deviation about 1."""
        points = self._scene_points(frame)
        out = _texture(points, 0)
        if self.plates:
            top, left, _, _ = self.plates[frame]
            own = self._points() - torch.tensor([left, top], dtype=torch.float64).view(2, 1, 1)
            out = torch.where(self._covered(frame, self._points(), 0.0), _texture(own, 1), out)
        return out.float()

    def flow(self, source: int, target: int) -> Tensor:
        """Exact flow."""
        return self.between(source, target).flow

    def between(self, source: int, target: int) -> Correspondence:
        """Exact motion; V is 0 where the target is not wholly inside the frame or lies behind the plate."""
        points = self._points()
        turn, shift = self.cameras[target][:, :2], self.cameras[target][:, 2]
        there = torch.einsum("ij,jhw->ihw", turn.inverse(), self._scene_points(source) - shift.view(2, 1, 1))
        there = there + self._centre()
        seen = torch.ones(self.height, self.width, dtype=torch.bool)
        if self.plates:
            on_plate = self._covered(source, points, 0.0)
            (top, left, _, _), (to_top, to_left, _, _) = self.plates[source], self.plates[target]
            ride = points + torch.tensor([to_left - left, to_top - top], dtype=torch.float64).view(2, 1, 1)
            there = torch.where(on_plate, ride, there)
            # A cell next to the plate is half plate once it is interpolated.
            seen = on_plate | ~self._covered(target, there, 1.0)
        inside = (there[0] >= 0) & (there[0] <= self.width - 1) & (there[1] >= 0) & (there[1] <= self.height - 1)
        return Correspondence((there - points).float(), (seen & inside).float(), torch.ones(self.height, self.width))

    def likeness(self, frames: Sequence[int]) -> Sequence[float]:
        """All frames are alike."""
        return [0.0] * len(frames)

    def _points(self) -> Tensor:
        y, x = torch.meshgrid(torch.arange(self.height), torch.arange(self.width), indexing="ij")
        return torch.stack([x, y]).double()

    def _centre(self) -> Tensor:
        return torch.tensor([(self.width - 1) / 2, (self.height - 1) / 2], dtype=torch.float64).view(2, 1, 1)

    def _scene_points(self, frame: int) -> Tensor:
        turn, shift = self.cameras[frame][:, :2], self.cameras[frame][:, 2]
        return torch.einsum("ij,jhw->ihw", turn, self._points() - self._centre()) + shift.view(2, 1, 1)

    def _covered(self, frame: int, points: Tensor, margin: float) -> Tensor:
        top, left, height, width = self.plates[frame]
        across = (points[0] > left - margin - 1e-6) & (points[0] < left + width - 1 + margin + 1e-6)
        return across & (points[1] > top - margin - 1e-6) & (points[1] < top + height - 1 + margin + 1e-6)


def _texture(points: Tensor, seed: int) -> Tensor:
    """[3, h, w]: 24 waves of 10 to 40 cells, so that interpolation errors can be bounded."""
    generator = torch.Generator().manual_seed(seed)
    angle, length, phase = torch.rand(3, 3, 24, generator=generator, dtype=torch.float64)
    k = 2 * math.pi / (10 + 30 * length)
    kx, ky = k * torch.cos(2 * math.pi * angle), k * torch.sin(2 * math.pi * angle)
    along = kx[..., None, None] * points[0] + ky[..., None, None] * points[1] + (2 * math.pi * phase)[..., None, None]
    return torch.cos(along).sum(1) / math.sqrt(12)
