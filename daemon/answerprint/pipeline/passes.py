"""Enlarging further than a model does at once: it is shown its own result again, as the paper does for 8 and 16."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from answerprint.backends.base import Backend
from answerprint.temporal.chunks import Chunk
from answerprint.temporal.options import MethodOptions
from answerprint.temporal.protocols import Condition, StepCallback
from answerprint.temporal.sampler import CarriedState, ChunkMotion, Tiles, denoise_chunk
from answerprint.temporal.stopwatch import Stopwatch

__all__ = ["Drawn", "restore_in_passes"]


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a model drew of a chunk, as latents: a picture is decoded when it is asked for, so few need to be held."""

    backend: Backend
    latents: Tensor
    """[F, C, h, w]"""
    condition: Condition

    def __len__(self) -> int:
        return len(self.latents)

    def picture(self, k: int) -> Tensor:
        """Frame k [1, 3, H, W] in about [0, 1], not clamped."""
        return self.backend.decode(self.latents[k : k + 1], self.condition.select([k]))


def restore_in_passes(
    backend: Backend,
    low: Tensor,
    passes: int,
    chunk: Chunk[object],
    key: int,
    motion: ChunkMotion | None,
    carries: Sequence[CarriedState],
    method: MethodOptions,
    seed: int,
    *,
    tiles: Tiles | None,
    batch: int,
    watch: Stopwatch,
    report: StepCallback,
) -> tuple[Drawn, tuple[CarriedState, ...]]:
    """What `passes` runs make of `low` [F, 3, h, w], one at least, and what each hands to the next chunk's.

    `motion` is of the source and holds at every size; `carries` are those of the chunk before, one a pass, or none.
    """
    drawn: Drawn | None = None
    handed: list[CarriedState] = []
    for k in range(passes):

        def on_step(step: int, steps: int, k: int = k) -> None:
            report(k * steps + step, passes * steps)

        if drawn is not None:
            with watch.stage("decode latents"):
                low = torch.cat([drawn.picture(each) for each in range(len(drawn))])
        with watch.stage("encode"):
            condition = backend.condition(low)
        x0, carry = denoise_chunk(
            backend, condition, chunk, key, motion, carries[k] if carries else None, method, seed,
            device=backend.device, tiles=tiles, batch=batch, watch=watch, on_step=on_step,
        )  # fmt: skip
        drawn = Drawn(backend, x0, condition)
        if carry is not None:
            handed.append(carry)
    if drawn is None:
        raise ValueError("a model runs at least once")
    return drawn, tuple(handed)
