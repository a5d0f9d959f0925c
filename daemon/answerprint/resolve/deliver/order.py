"""What is to be rendered, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

from answerprint.api.types import MediaInfo
from answerprint.errors import CancelledError

__all__ = ["Form", "RenderOrder", "RenderedFile", "Steering"]

Form = Literal["source", "seen"]
"""source: frames of the clip, without what the timeline does to it. seen: as on the timeline, grade and all."""


@dataclass(frozen=True, slots=True)
class RenderOrder:
    """name: of the file, without suffix. folder: where it goes; both forms leave nothing else there.

    first, stop: frames of the clip from 0 of its file (of the nested timeline), handles included; not for `seen`, which
    has the record frames of the item. sound: whether the file gets the clip's sound, too.
    """

    name: str
    folder: Path
    form: Form = "source"
    first: int = 0
    stop: int = 0
    sound: bool = True


@dataclass(frozen=True, slots=True)
class RenderedFile:
    """A checked file. path: a movie, or the pattern of a sequence. facts: of the file, as probed.

    first: what its frame 0 is: a frame of the source, or the record frame for `seen`. start_timecode: of its frame 0;
    rate: frames per second; both also where the file itself cannot say them, as a sequence. left: what of the user's
    could not be put back, for the report.
    """

    path: Path
    form: Form
    first: int
    frames: int
    rate: Fraction
    start_timecode: str
    facts: MediaInfo
    left: tuple[str, ...] = ()


def _nothing(percent: int) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Steering:
    """Waiting for Resolve. progress: told the percentage. cancelled: asked between calls.

    stall_seconds: longest time without progress. stop_seconds: longest wait for a render to stop.
    """

    progress: Callable[[int], None] = _nothing
    cancelled: Callable[[], bool] = lambda: False
    wait: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    poll_seconds: float = 1.0
    stall_seconds: float = 900.0
    stop_seconds: float = 60.0

    def check(self) -> None:
        """Raises CancelledError when the user wants no more."""
        if self.cancelled():
            raise CancelledError("The render was cancelled.")
