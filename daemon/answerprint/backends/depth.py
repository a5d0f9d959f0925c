"""What families that give depth have in common: options by name, as data, and the seam to whoever finishes pictures.

Depth from one picture is known but for a scale and a shift (it is affine-invariant), which every frame has of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, cast, runtime_checkable

from answerprint.option import Option

__all__ = ["DEPTH_OPTIONS", "ColourMap", "DepthBackend", "DepthLook", "Span"]

Span = Literal["clip", "chunk", "frame"]
ColourMap = Literal["none", "spectral", "turbo", "grey"]

DEPTH_OPTIONS = (
    Option(
        name="range",
        kind="choice",
        choices=("clip", "chunk", "frame"),
        default="clip",
        help="How long one scale of depth holds: for the whole shot, for a chunk of frames, or for each frame alone.",
        group="basic",
    ),
    Option(
        name="colour_map",
        kind="choice",
        choices=("none", "spectral", "turbo", "grey"),
        default="none",
        help="Colours to look at depth in; none gives depth itself, 0 near to 1 far; grey shows near as light.",
        group="basic",
    ),
)


@dataclass(frozen=True, slots=True)
class DepthLook:
    """How depth is brought to the values of a picture."""

    span: Span = "clip"
    """How long a scale and a shift are shared; nothing is shared across a cut, nor where frames are not tied."""
    colour_map: ColourMap = "none"

    @classmethod
    def of(cls, options: Mapping[str, str]) -> DepthLook:
        """The look that checked `options` ask for."""
        return cls(cast(Span, options["range"]), cast(ColourMap, options["colour_map"]))


@runtime_checkable
class DepthBackend(Protocol):
    """A backend whose pictures are depth: [F, 3, H, W], three times the same values in [0, 1], near to far."""

    @property
    def look(self) -> DepthLook:
        """What it was configured to."""
        ...
