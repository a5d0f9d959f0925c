"""Pictures in memory: channel by channel, and worked on in blocks of rows that stay in the processor's cache.

A picture is [H, W, 3] to whoever reads it. In memory its three channels lie one after the other, as files and models
have them, so that nothing is taken apart and put together on the way.

Memory of large pictures is used again by the next ones: to get it from the system anew for each frame took as long as
half of the work on it.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from threading import Lock
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from answerprint.frames.frame import Picture, Plane

__all__ = ["channels_first", "channels_last", "empty", "free_memory", "picture_of", "row_blocks"]

_Number = TypeVar("_Number", bound=np.generic)

_BLOCK_PX = 1 << 15
_LARGE_BYTES = 1 << 20
_MOST_SPARE_BYTES = 208 << 20
"""Of memory that nothing uses: eight frames of 1080p. Twice as much made the peak of a worker a fifth higher."""


class _Spare:
    """Memory that was used and is free. Any thread may take some; the last one to let go of an array gives it back."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._blocks: list[NDArray[np.uint8]] = []

    def take(self, size: int) -> NDArray[np.uint8] | None:
        """A block of exactly this many bytes, None if there is none."""
        with self._lock:
            for place, block in enumerate(self._blocks):
                if block.size == size:
                    return self._blocks.pop(place)
        return None

    def give_back(self, block: NDArray[np.uint8]) -> None:
        """Keep a block for the next one, or let the system have it if there are many. May be called at any moment."""
        # Not waiting: this can interrupt the thread that holds the lock.
        if self._lock.acquire(blocking=False):
            try:
                if sum(each.size for each in self._blocks) + block.size <= _MOST_SPARE_BYTES:
                    self._blocks.append(block)
            finally:
                self._lock.release()

    def clear(self) -> None:
        """Let the system have all of it."""
        with self._lock:
            self._blocks.clear()


_SPARE = _Spare()


def empty(shape: tuple[int, ...], dtype: type[_Number]) -> NDArray[_Number]:
    """An array whose values are not set yet, like `numpy.empty`, in memory that an earlier one no longer uses."""
    size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    if size < _LARGE_BYTES:
        return np.empty(shape, dtype)
    block = _SPARE.take(size)
    if block is None:
        block = np.empty(size, np.uint8)
    # All views of the array hold this one, as its memory is not an array's.
    array = np.frombuffer(block.data, dtype)
    weakref.finalize(array, _SPARE.give_back, block).atexit = False
    return array.reshape(shape)


def free_memory() -> None:
    """Let the system have the memory that is kept for the next pictures."""
    _SPARE.clear()


def channels_last(planes: NDArray[_Number]) -> NDArray[_Number]:
    """A view [H, W, C] of planes [C, H, W]."""
    return planes.transpose(1, 2, 0)


def channels_first(picture: NDArray[_Number]) -> NDArray[_Number]:
    """A view [C, H, W] of a picture [H, W, C]."""
    return picture.transpose(2, 0, 1)


def picture_of(red: Plane, green: Plane, blue: Plane) -> Picture:
    """A picture of three planes [H, W]."""
    return channels_last(np.stack([red, green, blue], out=empty((3, *red.shape), np.float32)))


def row_blocks(height: int, width: int) -> Iterator[slice]:
    """The rows of a picture, a few at a time: all that is computed of them fits into the cache."""
    rows = max(1, _BLOCK_PX // max(1, width))
    for top in range(0, height, rows):
        yield slice(top, min(height, top + rows))
