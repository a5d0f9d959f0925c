"""Larger scales in several passes: the model's result is its next input, as the paper does for x8 and x16."""

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
    """A model's result for a chunk, as latents; pictures are decoded on demand, so few are in memory at once."""

    backend: Backend
    latents: Tensor
    """[F, C, h, w]"""
    condition: Condition

    def __len__(self) -> int:
        return len(self.latents)

    def picture(self, k: int) -> Tensor:
        """Decode frame k: [1, 3, H, W], about 0..1, not clamped."""
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
    """Run the model `passes` times (at least once) on `low` [F, 3, h, w]; return the result and each pass's state.

    `motion` is the source's and holds at every size. `carries` holds the previous chunk's states, one per pass, or is
    empty.
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
        raise ValueError("at least one pass is needed")
    return drawn, tuple(handed)
