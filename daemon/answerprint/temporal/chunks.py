"""Split a clip into chunks on a grid of absolute source frames, and choose each chunk's keyframe."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from answerprint.temporal.options import Keyframe
from answerprint.temporal.protocols import MotionSource

__all__ = ["Chunk", "choose_key", "group"]

T = TypeVar("T", covariant=True)

SHORT_TAIL = 2
"""A shot's last chunk with this many frames or fewer is merged into the one before, unless it is a full chunk."""


@dataclass(frozen=True, slots=True)
class Chunk(Generic[T]):
    """Frames that are restored together."""

    frames: tuple[int, ...]
    """Absolute source indices, consecutive."""
    items: tuple[T, ...]
    """What the caller attached to each frame."""
    opens_shot: bool
    """True if no earlier frame belongs to the same shot, or the range begins here."""

    def position(self, index: int, size: int) -> int:
        """Position of frame `index` on the chunk grid of `size`; 0 is the start of the first frame's grid cell."""
        return index - self.frames[0] // size * size


def group(stream: Iterable[tuple[int, bool, T]], size: int, *, opens: bool = True) -> Iterator[Chunk[T]]:
    """Chunks of (index, opens_shot, item) frames, split at multiples of `size` and at cuts.

    The grid follows absolute frames, so a re-trimmed clip keeps its chunk boundaries. At most size + 3 frames are held.
    `opens` False: the first frame follows an earlier chunk, and opens a shot only if it is marked so. A stream that
    starts after any chunk then gives the same chunks as the whole stream.
    Raises ValueError if indices are not consecutive.
    """
    held: list[tuple[int, T]] = []
    short = min(SHORT_TAIL, size - 1)
    for index, cut, item in stream:
        if held and index != held[-1][0] + 1:
            raise ValueError(f"frame {index} does not follow frame {held[-1][0]}")
        if cut:
            if held:
                yield _chunk(held, opens)
            held, opens = [], True
        held.append((index, item))
        border = (held[0][0] // size + 1) * size
        if index - border + 1 > short:
            ready = [h for h in held if h[0] < border]
            yield _chunk(ready, opens)
            held, opens = held[len(ready) :], False
    if held:
        yield _chunk(held, opens)  # extends at most `short` frames past a chunk boundary


def _chunk(held: Sequence[tuple[int, T]], opens: bool) -> Chunk[T]:
    return Chunk(tuple(index for index, _ in held), tuple(item for _, item in held), opens)


def choose_key(frames: Sequence[int], policy: Keyframe, seed: int, motion: MotionSource | None = None) -> int:
    """Position of the keyframe in `frames`; `connected` needs `motion`, ties go to the frame nearest the middle."""
    middle = len(frames) // 2
    if policy == "middle" or len(frames) == 1:
        return middle
    if policy == "random":
        digest = hashlib.blake2b(f"{seed}/{frames[0]}/key".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "little") % len(frames)
    if motion is None:
        raise ValueError("the connected keyframe policy needs a motion source")
    likeness = motion.likeness(frames)
    return min(range(len(frames)), key=lambda k: (-likeness[k], abs(k - middle), k))
