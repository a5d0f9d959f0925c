"""Cutting a clip into chunks on a grid of absolute source frames, and choosing each chunk's keyframe."""

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
"""A last chunk of a shot with this many frames or fewer joins the one before, unless it is a full chunk."""


@dataclass(frozen=True, slots=True)
class Chunk(Generic[T]):
    """Frames that are restored together."""

    frames: tuple[int, ...]
    """Absolute source indices, consecutive."""
    items: tuple[T, ...]
    """What the caller attached to each frame."""
    opens_shot: bool
    """True when nothing before it belongs to the same shot (or the range begins here)."""

    def position(self, index: int, size: int) -> int:
        """Place of frame `index` on the chunk grid of `size`: 0 where the grid cell of the first frame begins."""
        return index - self.frames[0] // size * size


def group(stream: Iterable[tuple[int, bool, T]], size: int, *, opens: bool = True) -> Iterator[Chunk[T]]:
    """Chunks of (index, opens_shot, item) frames; borders are multiples of `size` and the cuts.

    The grid follows absolute frames, so a clip trimmed elsewhere keeps its borders. At most size + 3 frames are held.
    `opens` False: the first frame follows a chunk that was made before, and opens a shot only if it says so itself;
    from the end of any chunk on, the chunks are then those of the whole stream.
    Raises ValueError when indices do not follow one another.
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
        yield _chunk(held, opens)  # it reaches at most `short` frames beyond a border


def _chunk(held: Sequence[tuple[int, T]], opens: bool) -> Chunk[T]:
    return Chunk(tuple(index for index, _ in held), tuple(item for _, item in held), opens)


def choose_key(frames: Sequence[int], policy: Keyframe, seed: int, motion: MotionSource | None = None) -> int:
    """Position in `frames` of the keyframe; `connected` asks `motion`, ties go to the frame nearest the middle."""
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
