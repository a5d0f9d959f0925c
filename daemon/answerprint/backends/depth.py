"""Common parts of depth families: their options, and the interface to the pipeline.

Depth from one picture is affine-invariant: known up to a scale and a shift, which differ from frame to frame.
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
        help="Frames that share one depth scale: the whole shot (clip), a chunk, or each frame alone.",
        group="basic",
    ),
    Option(
        name="colour_map",
        kind="choice",
        choices=("none", "spectral", "turbo", "grey"),
        default="none",
        help="Colours for viewing depth; none gives raw depth, 0 near to 1 far; grey shows near as light.",
        group="basic",
    ),
)


@dataclass(frozen=True, slots=True)
class DepthLook:
    """How depth is converted to pictures."""

    span: Span = "clip"
    """Frames that share a scale and a shift; never across a cut, nor without consistency."""
    colour_map: ColourMap = "none"

    @classmethod
    def of(cls, options: Mapping[str, str]) -> DepthLook:
        """The look for checked `options`."""
        return cls(cast(Span, options["range"]), cast(ColourMap, options["colour_map"]))


@runtime_checkable
class DepthBackend(Protocol):
    """A backend whose pictures are depth: [F, 3, H, W], three equal channels in [0, 1], near to far."""

    @property
    def look(self) -> DepthLook:
        """The configured look."""
        ...
