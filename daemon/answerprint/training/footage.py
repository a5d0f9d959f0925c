"""Damage of footage: a small damaged frame, and the cleaner one that an average of several damaged copies gives."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from answerprint.frames.frame import Picture
from answerprint.metrics import degradations as damage
from answerprint.metrics.codec import video_compression

__all__ = ["FootageRecipe", "damaged"]


@dataclass(frozen=True, slots=True)
class FootageRecipe:
    """How far footage may be damaged. Ranges are drawn from uniformly; shares are of all pictures."""

    blur_share: float = 0.5
    blur_px: tuple[float, float] = (0.2, 2.0)
    """Gaussian blur before shrinking, in pixels of the good picture."""
    clean_share: float = 0.15
    """Pictures that are only blurred and shrunk."""
    strong_noise_share: float = 0.15
    strong_noise: tuple[float, float] = (14.0, 50.0)
    """Standard deviation on the 0..255 scale, in the small picture; the other pictures have `noise`."""
    noise: tuple[float, float] = (0.0, 14.0)
    grain_share: float = 0.25
    """Of the noisy pictures: the noise is film's, in clumps of a pixel or two, grey, and least in black."""
    jpeg_share: float = 0.4
    jpeg_quality: tuple[int, int] = (45, 97)
    video_share: float = 0.2
    """Pictures that are coded as H.264 (none of these as JPEG)."""
    video_crf: tuple[int, int] = (18, 34)
    copies: int = 6
    """Damaged copies whose average the teacher sees where the noise is `fused_from` or more."""
    fused_from: float = 10.0


def damaged(
    picture: NDArray[np.uint8], scale: int, rng: np.random.Generator, recipe: FootageRecipe
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Small damaged copy of `picture` [H, W, 3], and the cleaner one: both [H/scale, W/scale, 3] float32 in [0, 1].

    They are the same array where the noise is weaker than `fused_from`.
    """
    good = picture.astype(np.float32) / np.float32(255.0)
    if rng.random() < recipe.blur_share:
        good = damage.blur(good, float(rng.uniform(*recipe.blur_px)))
    method = ("area", "area", "bicubic", "linear")[int(rng.integers(4))]
    low = damage.resize(good, picture.shape[1] // scale, picture.shape[0] // scale, method)
    kind = rng.random()
    if kind < recipe.clean_share:
        return low, low
    strong = kind < recipe.clean_share + recipe.strong_noise_share
    sigma = float(rng.uniform(*(recipe.strong_noise if strong else recipe.noise)))
    noisy = _grainy if rng.random() < recipe.grain_share else damage.noise
    coding, quality, crf = rng.random(), int(rng.integers(*recipe.jpeg_quality)), int(rng.integers(*recipe.video_crf))
    copies = [noisy(low, sigma, rng) for _ in range(recipe.copies if sigma >= recipe.fused_from else 1)]
    if coding < recipe.jpeg_share:
        copies = [damage.jpeg(copy, quality) for copy in copies]
    elif coding < recipe.jpeg_share + recipe.video_share:
        copies = video_compression(copies, crf)
    mean = np.mean(copies, axis=0, dtype=np.float32) if len(copies) > 1 else copies[0]
    return copies[len(copies) // 2], np.asarray(mean, np.float32)


def _grainy(picture: Picture, sigma: float, rng: np.random.Generator) -> Picture:
    """Add film grain of about `sigma` on the 0..255 scale where it is strongest, in the middle tones."""
    grain = cv2.GaussianBlur(rng.standard_normal(picture.shape[:2], dtype=np.float32), (0, 0), rng.uniform(0.4, 0.9))
    grain *= np.float32(sigma / 255.0) / np.float32(max(float(grain.std()), 1e-6))
    luma = picture.mean(axis=2)
    strength = np.sqrt(np.clip(4.0 * luma * (1.05 - luma), 0.02, 1.0)).astype(np.float32)
    return np.asarray(np.clip(picture + (grain * strength)[..., None], 0.0, 1.0), np.float32)
