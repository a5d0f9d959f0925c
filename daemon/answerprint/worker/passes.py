"""Enlarging further than a model does at once: it is shown its own result again, as the paper does for 8 and 16."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from answerprint.backends.base import Backend
from answerprint.temporal.chunks import Chunk
from answerprint.temporal.options import MethodOptions
from answerprint.temporal.protocols import StepCallback
from answerprint.temporal.sampler import Carry, ChunkMotion, Tiles, denoise_chunk
from answerprint.temporal.stopwatch import Stopwatch

__all__ = ["restore_in_passes"]


def restore_in_passes(
    backend: Backend,
    low: Tensor,
    passes: int,
    chunk: Chunk[object],
    key: int,
    motion: ChunkMotion | None,
    carries: Sequence[Carry],
    method: MethodOptions,
    seed: int,
    *,
    tiles: Tiles | None,
    batch: int,
    watch: Stopwatch,
    report: StepCallback,
) -> tuple[Tensor, tuple[Carry, ...]]:
    """Pictures [F, 3, H, W] after `passes` runs from `low` [F, 3, h, w], and what each hands to the next chunk's.

    `motion` is of the source and holds at every size; `carries` are those of the chunk before, one a pass, or none.
    """
    pictures, handed = low, []
    for k in range(passes):

        def on_step(step: int, steps: int, k: int = k) -> None:
            report(k * steps + step, passes * steps)

        with watch.stage("encode"):
            condition = backend.condition(pictures)
        x0, carry = denoise_chunk(
            backend, condition, chunk, key, motion, carries[k] if carries else None, method, seed,
            device=backend.device, tiles=tiles, batch=batch, watch=watch, on_step=on_step,
        )  # fmt: skip
        with watch.stage("decode latents"):
            pictures = backend.decode(x0, condition)
        if carry is not None:
            handed.append(carry)
    return pictures, tuple(handed)
