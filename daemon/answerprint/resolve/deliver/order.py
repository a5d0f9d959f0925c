"""What to render through Resolve, and the rendered file."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

from answerprint.api.types import MediaInfo
from answerprint.errors import CancelledError

__all__ = ["DeliverForm", "RenderOrder", "RenderedFile", "Steering"]

DeliverForm = Literal["source", "seen"]
"""source: frames of the clip without the timeline's changes. seen: the picture on the timeline, with its grade."""


@dataclass(frozen=True, slots=True)
class RenderOrder:
    """name: of the file, without suffix. folder: where it goes; nothing else stays there.

    first, stop: frames of the clip from 0 of its file (or nested timeline), handles included. `seen` ignores them: it
    renders the item's record frames. sound: whether to render the clip's sound too.
    """

    name: str
    folder: Path
    form: DeliverForm = "source"
    first: int = 0
    stop: int = 0
    sound: bool = True


@dataclass(frozen=True, slots=True)
class RenderedFile:
    """A rendered and checked file. path: a movie, or the pattern of a sequence. facts: the file as probed.

    first: the source frame of its frame 0, or the record frame for `seen`. start_timecode: of its frame 0. rate: frames
    per second. Both are set even if the file does not hold them, as a sequence. left: what of the user's state could
    not be restored, for the report.
    """

    path: Path
    form: DeliverForm
    first: int
    frames: int
    rate: Fraction
    start_timecode: str
    facts: MediaInfo
    left: tuple[str, ...] = ()


def _ignore(percent: int) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Steering:
    """How to wait for Resolve. progress: gets the percentage. cancelled: asked between calls.

    stall_seconds: longest time without progress. stop_seconds: longest wait for a render to stop.
    """

    progress: Callable[[int], None] = _ignore
    cancelled: Callable[[], bool] = lambda: False
    wait: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    poll_seconds: float = 1.0
    stall_seconds: float = 900.0
    stop_seconds: float = 60.0

    def check(self) -> None:
        """Raises CancelledError if the user has cancelled."""
        if self.cancelled():
            raise CancelledError("The render was cancelled.")
