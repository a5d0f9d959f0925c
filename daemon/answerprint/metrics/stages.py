"""Where the time of a restoration goes, stage by stage: frames restored alone beside frames that are tied together."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from answerprint.backends.base import Backend
from answerprint.flow.registry import get_estimator
from answerprint.flow.source import FlowSource
from answerprint.frames import Frame
from answerprint.frames.frame import Picture
from answerprint.pipeline.restore_clip import ClipSettings, restore_clip
from answerprint.worker.devices import peak_memory_bytes, reset_peak_memory, stopwatch

__all__ = ["CONSISTENT", "PER_FRAME", "Spent", "drawn_clip", "spend", "stage_table"]


PER_FRAME, CONSISTENT = "per frame", "consistent"

_ONCE = frozenset({"decode", "flow", "fuse", "encode", "decode latents", "write"})
"""Stages that take the same time however many steps there are."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What restoring some frames took."""

    label: str
    frames: int
    seconds: float
    stages: Mapping[str, float] = field(default_factory=dict)
    """Seconds by stage; what is in none of them is the rest of `seconds`."""
    peak_bytes: int | None = None
    """Of the device's memory, the model included; on a processor the most that the process ever held."""

    @property
    def seconds_per_frame(self) -> float:
        """All of it."""
        return self.seconds / self.frames

    def at_steps(self, taken: int, wanted: int) -> float:
        """Seconds a frame if `wanted` steps were taken instead of `taken`; reckoned, not measured."""
        once = sum(seconds for name, seconds in self.stages.items() if name in _ONCE)
        return (once + (self.seconds - once) * wanted / taken) / self.frames


def spend(
    label: str, frames: Sequence[Frame], backend: Backend, settings: ClipSettings
) -> tuple[Spent, Sequence[Picture]]:
    """Restore `frames` and measure it; the motion between them is estimated anew. Returns the pictures too."""
    watch, flow = stopwatch(backend.device), FlowSource(get_estimator("dis"))
    reset_peak_memory(backend.device)
    started = time.perf_counter()
    out = [frame.picture for chunk in restore_clip(frames, backend, flow, settings, watch=watch) for frame in chunk]
    seconds = time.perf_counter() - started
    return Spent(label, len(frames), seconds, dict(watch.seconds), peak_memory_bytes(backend.device)), out


def drawn_clip(frames: int, width: int, height: int, seed: int = 0) -> list[Frame]:
    """A texture of coarse and fine parts in [0, 1] under a moving camera: 2 pixels to the right and 1 down a frame."""
    rng = np.random.default_rng(seed)
    extent = (height + frames, width + 2 * frames)
    sheet = np.zeros((*extent, 3), np.float32)
    for cell in (1, 4, 16):
        drawn = rng.random((extent[0] // cell + 2, extent[1] // cell + 2, 3), np.float32)
        sheet += cv2.resize(drawn, extent[::-1], interpolation=cv2.INTER_CUBIC) * np.float32(cell**0.5)
    sheet = (sheet - sheet.min()) / (sheet.max() - sheet.min())
    return [Frame(k, np.ascontiguousarray(sheet[k : k + height, 2 * k : 2 * k + width]), None) for k in range(frames)]


def stage_table(ways: Sequence[Spent]) -> list[list[str]]:
    """Rows of text: a heading, each stage in milliseconds a frame with the longest first, the rest, and the sum."""
    names = {name for way in ways for name in way.stages}
    longest = sorted(names, key=lambda name: (-max(way.stages.get(name, 0.0) / way.frames for way in ways), name))
    rows = [["ms/frame", *(way.label for way in ways)]]
    rows += [[name, *(_ms(way.stages.get(name, 0.0), way) for way in ways)] for name in longest]
    rows.append(["rest", *(_ms(way.seconds - sum(way.stages.values()), way) for way in ways)])
    rows.append(["all", *(_ms(way.seconds, way) for way in ways)])
    return rows


def _ms(seconds: float, way: Spent) -> str:
    return f"{1000 * max(0.0, seconds) / way.frames:.1f}"
