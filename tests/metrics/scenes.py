"""Drawn footage for the tests of figures: a photograph-like texture that moves by a known amount."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.float32]


def texture(height: int, width: int, seed: int = 0) -> Picture:
    """Texture [H, W, 3] in [0, 1] whose detail falls off with frequency, as a photograph's does."""
    rng = np.random.default_rng(seed)
    sheet = np.zeros((height, width, 3), np.float32)
    for octave in range(6):
        step = 2**octave
        coarse = rng.standard_normal((height // step + 2, width // step + 2, 3)).astype(np.float32)
        sheet += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC) * step**0.5
    sheet = cv2.GaussianBlur(sheet, (0, 0), 0.4)
    low, high = np.percentile(sheet, [1, 99])
    return np.asarray(np.clip((sheet - low) / (high - low), 0.0, 1.0), np.float32)


def pan(frames: int, height: int, width: int, step: tuple[float, float] = (2.3, -1.2), seed: int = 0) -> list[Picture]:
    """Clip whose picture moves by `step` px (right, down) a frame over a larger texture."""
    margin = 16 + int(frames * max(abs(s) for s in step))
    sheet = texture(height + 2 * margin, width + 2 * margin, seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) + np.float32(margin)
    clip = [cv2.remap(sheet, x - t * step[0], y - t * step[1], cv2.INTER_CUBIC) for t in range(frames)]
    return [np.asarray(np.clip(frame, 0.0, 1.0), np.float32) for frame in clip]


def blurred(clip: list[Picture], sigma_px: float) -> list[Picture]:
    """Every frame softened alike."""
    return [np.asarray(cv2.GaussianBlur(frame, (0, 0), sigma_px), np.float32) for frame in clip]


def flickering(clip: list[Picture], sigma: float, seed: int = 0) -> list[Picture]:
    """Every frame with its own noise of deviation `sigma` in [0, 1]."""
    rng = np.random.default_rng(seed)
    noisy = [f + np.float32(sigma) * rng.standard_normal(f.shape, dtype=np.float32) for f in clip]
    return [np.asarray(np.clip(frame, 0.0, 1.0), np.float32) for frame in noisy]
