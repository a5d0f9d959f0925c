"""How a clip begins on a graphics card of some size: on the first rung of the ladder that is expected to fit.

The size counts, or the cap that was set below it, and not what happens to be free: the same job on the same card is
done the same way. What that means for cards of 8, 12 and 24 GB is in `tests/worker/test_first_rung.py`, as a table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from .device_memory import DeviceMemory
from .ladder import RUNGS, Recipe

__all__ = ["Needs", "first_rung", "room_on"]

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

    def at(self, rung: int) -> tuple[Recipe, int]:
        """How it is done on a rung, and the bytes that this takes."""
        recipe = Recipe.at(rung, chunk=self.chunk, tile_cells=self.tile_cells, latent_size=self.latent_size)
        longest = recipe.tile_cells or max(self.latent_size)
        width, height = (min(side, longest) for side in self.latent_size)
        held = 0 if RUNGS[rung].offload else self.weights_bytes
        held += self.held_bytes(self.latent_size[0] * self.latent_size[1], recipe.chunk)
        return recipe, held + width * height * recipe.chunk * self.bytes_per_cell


def first_rung(needs: Needs, room_bytes: int | None) -> int:
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
