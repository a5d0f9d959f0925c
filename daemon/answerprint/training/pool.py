"""Distillation examples, cached on disk: the student's input, the teacher's result and the original picture.

Running the teacher costs as much as a training step, so examples are reused many times, rotated and mirrored.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from answerprint.training.footage import FootageRecipe, damaged
from answerprint.training.pictures import PhotoSet, draw_texture

__all__ = ["Batch", "Pool"]

_SCALE = 4


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch of examples; all in [0, 1]."""

    low: Tensor
    """[B, 3, h, w]: degraded."""
    cleaner: Tensor
    """[B, 3, h, w]: the teacher's input."""
    target: Tensor
    """[B, 3, 4h, 4w]: the teacher's result."""
    good: Tensor
    """[B, 3, 4h, 4w]: the undegraded picture."""


class Pool:
    """Examples by number; each depends on the seed and its number alone."""

    def __init__(
        self,
        folder: Path,
        photo_set: PhotoSet,
        teacher: nn.Module,
        *,
        seed: int,
        crop_px: int,
        texture_share: float,
        recipe: FootageRecipe | None = None,
    ) -> None:
        """`crop_px` is the side of the low-resolution picture; `folder` must not hold examples of other settings."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._photo_set, self._teacher = folder, photo_set, teacher
        self._seed, self._crop, self._texture = seed, crop_px, texture_share
        self._recipe = recipe or FootageRecipe()

    def batch(self, numbers: list[int], turns: list[int] | None = None) -> Batch:
        """Examples `numbers`; a turn of 0..7 is quarter turns, mirrored from 4 on."""
        rows = [self._example(number) for number in numbers]
        pictures = []
        for column in zip(*rows, strict=True):
            turned = [_turn(picture, turn) for picture, turn in zip(column, turns or [0] * len(numbers), strict=True)]
            values = np.stack(turned).astype(np.float32) / np.float32(255.0)
            pictures.append(torch.from_numpy(values.transpose(0, 3, 1, 2)))
        return Batch(*pictures)

    def made(self) -> int:
        """Number of existing examples."""
        return sum(1 for _ in self._folder.glob("[0-9]*[0-9].npz"))

    def _example(self, number: int) -> list[NDArray[np.generic]]:
        file = self._folder / f"{number:06d}.npz"
        if not file.exists():
            self._make(number, file)
        with np.load(file) as kept:
            return [kept[name] for name in ("low", "cleaner", "target", "good")]

    def _make(self, number: int, file: Path) -> None:
        rng = np.random.default_rng((self._seed, number))
        side = self._crop * _SCALE
        good = draw_texture(side, rng) if rng.random() < self._texture else self._photo_set.crop(side, rng)
        low, cleaner = damaged(good, _SCALE, rng, self._recipe)
        with torch.inference_mode():
            drawn = self._teacher(torch.from_numpy(cleaner.transpose(2, 0, 1).copy())[None])[0]
        target = (drawn.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
        # Several students may create the same example at once.
        part = file.with_name(f"{file.stem}.{os.getpid()}.part.npz")
        half, half_cleaner = ((picture * 255).astype(np.float16) for picture in (low, cleaner))
        np.savez(part, low=half, cleaner=half_cleaner, target=target, good=good)
        part.replace(file)


def _turn(picture: NDArray[np.generic], turn: int) -> NDArray[np.generic]:
    turned = np.rot90(picture, turn % 4)
    return turned[:, ::-1] if turn >= 4 else turned
