"""What is done when memory runs out, in order, each at most once a clip; what was reached holds for the rest of it.

How a clip begins on a graphics card of some size: on the first rung of the ladder that is expected to fit.

The size counts, or the cap that was set below it, and not what happens to be free: the same job on the same card is
done the same way. What that means for cards of 8, 12 and 24 GB is in `tests/worker/test_first_rung.py`, as a table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch

from answerprint.errors import JobFailedError
from answerprint.worker.devices import DeviceMemory

__all__ = [
    "RUNGS",
    "ChunkSettings",
    "MemoryFallback",
    "Needs",
    "exhausted",
    "first_fallback",
    "is_out_of_memory",
    "room_on",
]

_LEAST_TILE = 32
"""Cells; smaller tiles would be all overlap."""


@dataclass(frozen=True, slots=True)
class MemoryFallback:
    """One way to work; each takes less memory than the one before."""

    message: str
    """For the user; empty for the usual way."""
    chunk_divisor: int = 1
    tile_divisor: int = 1
    batch: int = 0
    """Frames that the network sees at once where they are not tied together; 0 is a whole chunk."""
    offload: bool = False
    """The model's weights wait in the computer's memory while they are not used."""


RUNGS: Sequence[MemoryFallback] = (
    MemoryFallback(""),
    MemoryFallback("Memory ran out. What was unused is given back, and the chunk is tried again."),
    MemoryFallback("Memory ran out. The clip goes on in chunks of half the length.", chunk_divisor=2),
    MemoryFallback("Memory ran out. The clip goes on in smaller tiles as well.", chunk_divisor=2, tile_divisor=2),
    MemoryFallback(
        "Memory ran out. The model's weights now wait in the computer's memory: the clip goes on slowly.",
        chunk_divisor=2,
        tile_divisor=2,
        batch=1,
        offload=True,
    ),
)


@dataclass(frozen=True, slots=True)
class ChunkSettings:
    """How a chunk is computed, beside the settings: kept in its receipt, so that it can be computed again."""

    chunk: int
    tile_cells: int
    batch: int
    rung: int
    dtype: str = "float32"

    @classmethod
    def at(cls, rung: int, *, chunk: int, tile_cells: int, latent_size: tuple[int, int]) -> ChunkSettings:
        """The recipe of a rung, from the chunk and the tiles of the usual way.

        Where a picture is smaller than a tile, it is the picture that is halved.
        """
        way = RUNGS[rung]
        if way.tile_divisor > 1:
            longest = max(latent_size)
            tile_cells = max(_LEAST_TILE, min(tile_cells or longest, longest) // way.tile_divisor)
        return cls(max(1, chunk // way.chunk_divisor), tile_cells, way.batch, rung)

    @classmethod
    def replayed(cls, receipt: Mapping[str, Any], usual: ChunkSettings) -> ChunkSettings:
        """The recipe in a receipt where the clip still is on the same rung, else `usual`."""
        if receipt.get("rung") != usual.rung:
            return usual
        values = {name: receipt.get(name, value) for name, value in asdict(usual).items()}
        return cls(**values)

    def to_json(self, opens_shot: bool) -> dict[str, object]:
        """For the receipt of a chunk that does or does not open a shot."""
        return {**asdict(self), "opens_shot": opens_shot}


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out, on the device or in the computer."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    # torch's allocator for the CPU has no error of its own, nor has OpenCV's.
    text = str(error)
    return isinstance(error, RuntimeError) and (
        "can't allocate memory" in text or "not enough memory" in text or "out of memory" in text
    )


def exhausted(reason: str) -> JobFailedError:
    """The end of the ladder."""
    return JobFailedError(
        f"Memory ran out, also in the smallest way of working ({reason}).",
        "Choose a smaller --size, close other programs that use the device, or work with --device cpu.",
    )


_SHARE = 0.85
"""Of a card's memory, what a job may plan with: the rest is for the driver, the screen, and estimates that are low."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What a clip needs of memory. latent_size: width and height, cells. tile_cells: 0 where it is never split."""

    weights_bytes: int
    bytes_per_cell: int
    """Of working memory, for each frame."""
    latent_size: tuple[int, int]
    chunk: int
    tile_cells: int
    held_bytes: Callable[[int, int], int] = lambda cells, chunk: 0
    """What a chunk takes however it is split: see `BackendInfo`."""

    def at(self, rung: int) -> tuple[ChunkSettings, int]:
        """How it is done on a rung, and the bytes that this takes."""
        recipe = ChunkSettings.at(rung, chunk=self.chunk, tile_cells=self.tile_cells, latent_size=self.latent_size)
        longest = recipe.tile_cells or max(self.latent_size)
        width, height = (min(side, longest) for side in self.latent_size)
        held = 0 if RUNGS[rung].offload else self.weights_bytes
        held += self.held_bytes(self.latent_size[0] * self.latent_size[1], recipe.chunk)
        return recipe, held + width * height * recipe.chunk * self.bytes_per_cell


def first_fallback(needs: Needs, room_bytes: int | None) -> int:
    """The first that fits into `room_bytes`, the last where none does; 0 where the room is not known."""
    if room_bytes is None:
        return 0
    fitting = (rung for rung in range(len(RUNGS)) if needs.at(rung)[1] <= room_bytes * _SHARE)
    return next(fitting, len(RUNGS) - 1)


def room_on(device: torch.device) -> int | None:
    """Bytes of a graphics card's memory that this process may take; None for what shares the computer's memory."""
    total = DeviceMemory(device).total()
    if device.type != "cuda" or total is None:
        return None
    return int(total * torch.cuda.get_per_process_memory_fraction(device))
