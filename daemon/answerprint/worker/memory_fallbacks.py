"""Fallbacks for when memory runs out, tried in order; a clip stays on the fallback it reached.

A clip starts on the first fallback that is expected to fit into the GPU's memory. The GPU's total memory or the memory
cap decides, not what is free at the moment: the same job on the same GPU gives the same result. The table in
`tests/worker/test_first_rung.py` shows what this means for GPUs with 8, 12 and 24 GB.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch

from answerprint.errors import JobFailedError
from answerprint.worker.devices import DeviceMemory

__all__ = [
    "FALLBACKS",
    "ChunkSettings",
    "MemoryFallback",
    "Needs",
    "exhausted",
    "first_fallback",
    "is_out_of_memory",
    "room_on",
]

_LEAST_TILE = 32
"""Cells; smaller tiles would be mostly overlap."""


@dataclass(frozen=True, slots=True)
class MemoryFallback:
    """One way of computing a chunk; each takes less memory than the one before."""

    message: str
    """For the user; empty for the normal settings."""
    chunk_divisor: int = 1
    tile_divisor: int = 1
    batch: int = 0
    """Frames per network call when frames are independent; 0 is a whole chunk."""
    offload: bool = False
    """Keep the model's weights in the computer's memory while they are not used."""


FALLBACKS: Sequence[MemoryFallback] = (
    MemoryFallback(""),
    MemoryFallback("Out of memory. Unused memory was freed; retrying the chunk."),
    MemoryFallback("Out of memory. Continuing with chunks of half the length.", chunk_divisor=2),
    MemoryFallback("Out of memory. Continuing with smaller tiles as well.", chunk_divisor=2, tile_divisor=2),
    MemoryFallback(
        "Out of memory. Continuing slowly, with the model's weights offloaded to the computer's memory.",
        chunk_divisor=2,
        tile_divisor=2,
        batch=1,
        offload=True,
    ),
)


@dataclass(frozen=True, slots=True)
class ChunkSettings:
    """How a chunk is computed; kept in its receipt, so that it can be computed again the same way.

    rung: index into `FALLBACKS`.
    """

    chunk: int
    tile_cells: int
    batch: int
    rung: int
    dtype: str = "float32"

    @classmethod
    def at(cls, rung: int, *, chunk: int, tile_cells: int, latent_size: tuple[int, int]) -> ChunkSettings:
        """The settings of a rung, from the chunk length and tile size of rung 0.

        If a frame is smaller than a tile, the tile size is half of the frame's.
        """
        way = FALLBACKS[rung]
        if way.tile_divisor > 1:
            longest = max(latent_size)
            tile_cells = max(_LEAST_TILE, min(tile_cells or longest, longest) // way.tile_divisor)
        return cls(max(1, chunk // way.chunk_divisor), tile_cells, way.batch, rung)

    @classmethod
    def replayed(cls, receipt: Mapping[str, Any], usual: ChunkSettings) -> ChunkSettings:
        """The settings in a receipt if the clip is still on the same rung, else `usual`."""
        if receipt.get("rung") != usual.rung:
            return usual
        values = {name: receipt.get(name, value) for name, value in asdict(usual).items()}
        return cls(**values)

    def to_json(self, opens_shot: bool) -> dict[str, object]:
        """For the receipt of a chunk; `opens_shot` says whether it opens a shot."""
        return {**asdict(self), "opens_shot": opens_shot}


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that memory ran out, on the device or in the computer."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    # The CPU allocators of torch and OpenCV raise plain RuntimeError.
    text = str(error)
    return isinstance(error, RuntimeError) and (
        "can't allocate memory" in text or "not enough memory" in text or "out of memory" in text
    )


def exhausted(reason: str) -> JobFailedError:
    """The error after the last fallback."""
    return JobFailedError(
        f"Out of memory, even with the smallest settings ({reason}).",
        "Choose a smaller --size, close other programs that use the device, or use --device cpu.",
    )


_SHARE = 0.85
"""Share of a GPU's memory that a job plans with; the rest is for the driver, the display and low estimates."""


@dataclass(frozen=True, slots=True)
class Needs:
    """The memory that a clip needs. latent_size: width and height, cells. tile_cells: 0 disables tiling."""

    weights_bytes: int
    bytes_per_cell: int
    """Working memory per cell and frame."""
    latent_size: tuple[int, int]
    chunk: int
    tile_cells: int
    held_bytes: Callable[[int, int], int] = lambda cells, chunk: 0
    """(cells, frames) -> bytes that a chunk takes however it is tiled: see `BackendInfo`."""

    def at(self, rung: int) -> tuple[ChunkSettings, int]:
        """The settings on a rung, and the bytes they take."""
        recipe = ChunkSettings.at(rung, chunk=self.chunk, tile_cells=self.tile_cells, latent_size=self.latent_size)
        longest = recipe.tile_cells or max(self.latent_size)
        width, height = (min(side, longest) for side in self.latent_size)
        held = 0 if FALLBACKS[rung].offload else self.weights_bytes
        held += self.held_bytes(self.latent_size[0] * self.latent_size[1], recipe.chunk)
        return recipe, held + width * height * recipe.chunk * self.bytes_per_cell


def first_fallback(needs: Needs, room_bytes: int | None) -> int:
    """The first rung that fits into `room_bytes`, else the last; 0 if `room_bytes` is None (unknown)."""
    if room_bytes is None:
        return 0
    fitting = (rung for rung in range(len(FALLBACKS)) if needs.at(rung)[1] <= room_bytes * _SHARE)
    return next(fitting, len(FALLBACKS) - 1)


def room_on(device: torch.device) -> int | None:
    """Bytes of GPU memory that this process may take; None for devices that share the computer's memory."""
    total = DeviceMemory(device).total()
    if device.type != "cuda" or total is None:
        return None
    return int(total * torch.cuda.get_per_process_memory_fraction(device))
