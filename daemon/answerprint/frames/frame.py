"""One picture with its frame number, and a range of frame numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:  # the parent handles clips but no pictures, and does not load numpy
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Frame", "FrameRange", "Picture", "Plane"]

Picture: TypeAlias = "NDArray[np.float32]"  # [H, W, 3], R'G'B', nominal 0..1
Plane: TypeAlias = "NDArray[np.float32]"  # [H, W]


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One decoded picture.

    index: the absolute frame number in the source, from 0.
    picture: float32 [H, W, 3], R'G'B', nominal 0..1 and not clamped: super-whites and sub-blacks lie outside.
    alpha: float32 [H, W], 0..1, or None if the source has none.
    """

    index: int
    picture: Picture
    alpha: Plane | None = None


@dataclass(frozen=True, slots=True)
class FrameRange:
    """The frames start, start + 1, ..., stop - 1 of a source, counted from 0."""

    start: int
    stop: int

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.stop:
            raise ValueError(f"a frame range runs forward from 0 or later, not from {self.start} to {self.stop}")

    def __len__(self) -> int:
        return self.stop - self.start

    def __contains__(self, index: object) -> bool:
        return isinstance(index, int) and self.start <= index < self.stop

    def __str__(self) -> str:
        return f"{self.start}:{self.stop}"
