"""Training pictures: crops of photographs at several sizes and synthetic texture, each with a degraded copy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from answerprint.metrics import degradations as damage

__all__ = ["HELD_OUT", "DamageRanges", "PhotoSet", "degrade", "draw_texture", "load_photos", "pairs"]

HELD_OUT = ("Garden.jpg", "Kleiber_by_Lukas_Baubkus.jpg", "chelsea.png", "china.jpg")
"""Photographs used for validation only."""

_MIN_SIDE = 288


@dataclass(frozen=True, slots=True)
class DamageRanges:
    """Ranges of the degradation of training pictures, drawn from uniformly."""

    blur_px: float = 2.4
    """Largest Gaussian blur before downscaling, in pixels of the good picture."""
    noise: float = 16.0
    """Largest noise standard deviation, on the 0..255 scale, in the downscaled picture."""
    jpeg_quality: tuple[int, int] = (45, 97)
    clean_share: float = 0.2
    """Share of pictures without noise and JPEG compression."""


def degrade(
    picture: NDArray[np.uint8], scale: int, rng: np.random.Generator, recipe: DamageRanges
) -> NDArray[np.float32]:
    """Degraded copy of `picture` [H, W, 3] uint8: [H/scale, W/scale, 3] float32 in [0, 1]."""
    good = picture.astype(np.float32) / np.float32(255.0)
    h, w = good.shape[:2]
    if rng.random() < 0.6:
        good = damage.blur(good, float(rng.uniform(0.2, recipe.blur_px)))
    method = ("area", "bicubic", "bicubic", "linear")[int(rng.integers(4))]
    low = damage.resize(good, w // scale, h // scale, method)
    if rng.random() >= recipe.clean_share:
        low = damage.noise(low, float(rng.uniform(0.0, recipe.noise)), rng)
        if rng.random() < 0.7:
            low = damage.jpeg(low, int(rng.integers(*recipe.jpeg_quality)))
    return low


def draw_texture(size: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Synthetic picture [size, size, 3] with strokes, discs, gratings and letters, which are rare in photographs."""
    base = rng.integers(0, 256, 3)
    canvas = np.empty((size, size, 3), np.uint8)
    canvas[:] = base
    if rng.random() < 0.5:
        y, x = np.mgrid[0:size, 0:size].astype(np.float32)
        angle, period = rng.uniform(0, np.pi), rng.uniform(3.0, 24.0)
        wave = np.sin((x * np.cos(angle) + y * np.sin(angle)) * (2 * np.pi / period)) > rng.uniform(-0.6, 0.6)
        canvas[wave] = rng.integers(0, 256, 3)
    for _ in range(int(rng.integers(3, 12))):
        colour = tuple(int(c) for c in rng.integers(0, 256, 3))
        p, q = (tuple(int(v) for v in rng.integers(-size // 4, size + size // 4, 2)) for _ in range(2))
        kind = rng.integers(4)
        if kind == 0:
            cv2.line(canvas, p, q, colour, int(rng.integers(1, 6)), cv2.LINE_AA)
        elif kind == 1:
            cv2.circle(canvas, p, int(rng.integers(3, size // 3)), colour, int(rng.choice([-1, 1, 2, 4])), cv2.LINE_AA)
        elif kind == 2:
            corners = rng.integers(0, size, (int(rng.integers(3, 6)), 2)).astype(np.int32)
            cv2.fillPoly(canvas, [corners], colour, cv2.LINE_AA)
        else:
            text = "".join(chr(int(c)) for c in rng.integers(48, 91, int(rng.integers(2, 8))))
            cv2.putText(
                canvas, text, p, int(rng.integers(0, 4)), float(rng.uniform(0.4, 1.6)), colour,
                int(rng.integers(1, 4)), cv2.LINE_AA,
            )  # fmt: skip
    return canvas


class PhotoSet:
    """Photographs in memory at several sizes; crops are sampled by area."""

    def __init__(self, files: list[Path], *, longest_px: int = 2600) -> None:
        """Decode `files`. Raises ValueError naming an unreadable photograph."""
        self._pictures: list[NDArray[np.uint8]] = []
        for file in sorted(files):
            picture = cv2.imread(str(file), cv2.IMREAD_COLOR)
            if picture is None:
                raise ValueError(f"cannot read the photograph {file}")
            picture = np.ascontiguousarray(picture[..., ::-1])
            # Most photographs are soft at full size: the downscaled copies provide sharp detail.
            longest = max(picture.shape[:2])
            for target in (min(longest, longest_px), min(longest, longest_px) // 2, min(longest, longest_px) // 4):
                ratio = target / longest
                copy = picture if ratio == 1.0 else cv2.resize(
                    picture, None, fx=ratio, fy=ratio, interpolation=cv2.INTER_AREA
                )  # fmt: skip
                if min(copy.shape[:2]) >= _MIN_SIDE:
                    self._pictures.append(np.ascontiguousarray(copy))
        if not self._pictures:
            raise ValueError("no photograph is large enough to train on")
        areas = np.array([p.shape[0] * p.shape[1] for p in self._pictures], np.float64)
        self._weights = areas**0.5 / (areas**0.5).sum()

    def crop(self, size: int, rng: np.random.Generator) -> NDArray[np.uint8]:
        """Random crop [size, size, 3]; flat ones are mostly rejected, because they contain no detail."""
        for attempt in range(6):
            picture = self._pictures[int(rng.choice(len(self._pictures), p=self._weights))]
            y = int(rng.integers(picture.shape[0] - size + 1))
            x = int(rng.integers(picture.shape[1] - size + 1))
            cut = picture[y : y + size, x : x + size]
            if attempt == 5 or rng.random() < 0.15:
                break
            luma = cut[..., 1].astype(np.float32)
            if float(np.abs(np.diff(luma, axis=1)).mean()) > 4.0:
                break
        turned = np.rot90(cut, int(rng.integers(4)))
        if rng.random() < 0.5:
            turned = turned[:, ::-1]
        return np.ascontiguousarray(turned)


def load_photos(photos: Path) -> tuple[PhotoSet, PhotoSet]:
    """Training and held-out photographs from a folder filled by `fetch`."""
    files = [f for f in photos.rglob("*") if f.suffix.lower() in {".jpg", ".png"}]
    return PhotoSet([f for f in files if f.name not in HELD_OUT]), PhotoSet([f for f in files if f.name in HELD_OUT])


def pairs(
    photo_set: PhotoSet,
    rng: np.random.Generator,
    count: int,
    crop_px: int,
    *,
    scale: int = 4,
    texture_share: float = 0.08,
) -> tuple[Tensor, Tensor]:
    """`count` random pairs: good [B, 3, crop, crop] and degraded [B, 3, crop / scale, crop / scale], in [-1, 1]."""
    good, low = [], []
    for _ in range(count):
        picture = draw_texture(crop_px, rng) if rng.random() < texture_share else photo_set.crop(crop_px, rng)
        good.append(picture.astype(np.float32) / np.float32(127.5) - 1)
        low.append(degrade(picture, scale, rng, DamageRanges()) * 2 - 1)
    return _stack(good), _stack(low)


def _stack(pictures: list[NDArray[np.float32]]) -> Tensor:
    return torch.from_numpy(np.stack(pictures).transpose(0, 3, 1, 2).copy())
