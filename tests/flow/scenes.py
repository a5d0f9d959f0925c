"""Drawn pictures whose motion is known exactly."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from answerprint.flow.pair import FlowPair
from answerprint.flow.prepare import FlowPicture, prepare

Picture = NDArray[np.float32]
Array = NDArray[np.float32]


def texture(height: int, width: int, seed: int = 0) -> Picture:
    """[H, W, 3] in [0, 1], with detail at every size."""
    rng = np.random.default_rng(seed)
    sheet = np.zeros((height, width, 3), np.float32)
    for octave in range(1, 7):
        step = 2**octave
        coarse = rng.standard_normal((height // step + 3, width // step + 3, 3)).astype(np.float32)
        sheet += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC) * np.float32(step**0.6)
    low, high = np.percentile(sheet, [1, 99])
    return np.asarray(np.clip((sheet - low) / (high - low), 0.02, 0.98), np.float32)


@dataclass(frozen=True)
class Motion:
    """A similarity about the centre of the picture: where a point goes from the first frame to the second."""

    right_px: float = 0.0
    down_px: float = 0.0
    zoom: float = 1.0
    degrees: float = 0.0

    def flow(self, height: int, width: int) -> Array:
        """True flow [H, W, 2]."""
        y, x = np.mgrid[0:height, 0:width].astype(np.float64)
        x, y = x - (width - 1) / 2, y - (height - 1) / 2
        cos, sin = (self.zoom * f(math.radians(self.degrees)) for f in (math.cos, math.sin))
        moved = np.stack([cos * x - sin * y + self.right_px, sin * x + cos * y + self.down_px], -1)
        return np.asarray(moved - np.stack([x, y], -1), np.float32)

    def frames(self, height: int, width: int, seed: int = 0) -> tuple[Picture, Picture]:
        """The frame before and the frame after, cut from a sheet larger than both."""
        margin = 64
        sheet = texture(height + 2 * margin, width + 2 * margin, seed)
        cos, sin = (f(math.radians(self.degrees)) / self.zoom for f in (math.cos, math.sin))
        y, x = np.mgrid[0:height, 0:width].astype(np.float64)
        x, y = x - (width - 1) / 2 - self.right_px, y - (height - 1) / 2 - self.down_px
        back_x = cos * x + sin * y + (width - 1) / 2 + margin
        back_y = -sin * x + cos * y + (height - 1) / 2 + margin
        after = cv2.remap(sheet, back_x.astype(np.float32), back_y.astype(np.float32), cv2.INTER_CUBIC)
        before = sheet[margin : margin + height, margin : margin + width]
        return before, np.asarray(np.clip(after, 0.0, 1.0), np.float32)


def noisy(picture: Picture, sigma: float, seed: int = 0) -> Picture:
    """`picture` with noise of `sigma` on the 0..255 scale."""
    grain = np.random.default_rng(seed).standard_normal(picture.shape, dtype=np.float32)
    return picture + grain * np.float32(sigma / 255.0)


def fed(seed: int = 0, height: int = 64, width: int = 364) -> FlowPicture:
    """A prepared picture: what `FlowSource` is asked about."""
    return prepare(texture(height, width, seed))


def random_pair(seed: int = 0, height: int = 24, width: int = 32) -> FlowPair:
    """A flow pair that compresses badly."""
    rng = np.random.default_rng(seed)
    forward, backward = rng.normal(0.0, 5.0, (2, height, width, 2)).astype(np.float32)
    return FlowPair(forward, backward)


def same_bits(a: FlowPair, b: FlowPair) -> bool:
    """Whether two pairs are equal to the bit, signs of zeros included."""
    return a.forward.tobytes() == b.forward.tobytes() and a.backward.tobytes() == b.backward.tobytes()


class ShiftEstimator:
    """A fake that says at once how far the pictures' mean brightness differs, and counts its calls."""

    def __init__(self, name: str = "shift", version: str = "1", **parameters: float) -> None:
        self.name = name
        self.version = version
        self.parameters = parameters
        self.calls = 0

    def estimate(self, source: NDArray[np.uint8], target: NDArray[np.uint8]) -> Array:
        """The same vector everywhere, on an odd fraction so that quantisation has work to do."""
        self.calls += 1
        step = (float(target.mean()) - float(source.mean())) / 3.0 + self.parameters.get("bias", 0.0)
        flow = np.empty((*source.shape, 2), np.float32)
        flow[..., 0], flow[..., 1] = step, -step / 7.0
        return flow
