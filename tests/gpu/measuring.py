"""What is measured of one model on one device: consistent beside per frame, and half precision beside single."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from answerprint.api.clip_ref import ClipRef
from answerprint.api.request import RestoreRequest
from answerprint.backends.base import Backend, number_type
from answerprint.frames import Frame
from answerprint.frames.frame import Picture
from answerprint.metrics.stages import CONSISTENT, PER_FRAME, Spent, drawn_clip, spend
from answerprint.pipeline.choices import Choices, resolve
from answerprint.pipeline.restore_clip import ClipSettings
from answerprint.temporal.options import MethodOptions, per_frame
from answerprint.worker.devices import DeviceMemory
from answerprint.worker.loading import tiles_for
from gpu.full_size import Model

__all__ = ["NoTimeError", "Size", "compare_precisions", "compare_ways", "psnr"]

_GIB = 2**30
_PROBE_STEPS = 2
_PRECISION_STEPS, _PRECISION_FRAMES = 4, 2


class NoTimeError(Exception):
    """What is left of the time is too little for this row; the message says how much it would take."""


@dataclass(frozen=True, slots=True)
class Size:
    """A size of pictures that come out, px."""

    name: str
    width: int
    height: int

    def source(self, enlarges: int) -> tuple[int, int]:
        """Width and height of what is restored to it; sizes that do not divide are rounded up."""
        return -(-self.width // enlarges), -(-self.height // enlarges)


@dataclass(frozen=True, slots=True)
class _Work:
    """A model, set up for a clip."""

    backend: Backend
    choices: Choices
    clip: Sequence[Frame]

    @classmethod
    def of(cls, model: Model, backend: Backend, size: Size, *, chunk: int = 0, tied: int = 0) -> _Work:
        """A clip of one chunk, the family's own where none is given, and `tied` frames that go on from it."""
        request = RestoreRequest(ClipRef("in"), "out", model=model.name, task=model.task, options=model.options)
        request = replace(request, chunk=chunk or None)
        choices = resolve(request, backend.info)
        return cls(backend, choices, drawn_clip(choices.method.chunk + tied, *size.source(model.enlarges)))

    @property
    def steps(self) -> int:
        """Steps that a job takes that asks for nothing."""
        return self.choices.steps

    def run(
        self, label: str, method: MethodOptions, steps: int, *, frames: int = 0, batch: int = 0, precision: str = "auto"
    ) -> tuple[Spent, Sequence[Picture]]:
        """Restore the clip, or its first frames."""
        if self.backend.device.type == "cuda":  # whose peak is then this run's
            DeviceMemory(self.backend.device).release()
        self.backend.configure(
            steps=min(steps, self.steps),
            sampler=self.choices.sampler,
            options={**self.choices.model_options, "precision": precision},
        )
        info = self.backend.info
        settings = ClipSettings(method, batch=batch, tiles=tiles_for(info, info.tile_cells))
        return spend(label, self.clip[: frames or None], self.backend, settings)


def compare_ways(
    model: Model,
    backend: Backend,
    size: Size,
    seconds: float,
    clock: Callable[[], float] = time.perf_counter,
    *,
    tied: int = 4,
) -> dict[str, Any]:
    """Restore a chunk, and `tied` frames that go on from it, per frame and consistent, with the family's defaults.

    Takes about `seconds`, by taking fewer steps than a job would, and where two are too many, without the frames that
    go on. Raises NoTimeError when the time is over before each way was tried in two steps.
    """
    begun = clock()
    work = _Work.of(model, backend, size, tied=tied)
    method = work.choices.method
    alone, fewest = per_frame(method), min(_PROBE_STEPS, work.steps)

    def left() -> float:
        return seconds - (clock() - begun)

    def probe(label: str, way: MethodOptions, batch: int = 0) -> Spent:
        if left() <= 0:
            raise NoTimeError(f"{seconds:.0f} s are too few even for two steps")
        return work.run(label, way, fewest, frames=method.chunk, batch=batch)[0]

    work.run("warm up", method, 1, frames=2)
    both = probe(CONSISTENT, method)
    # Per frame is the faster of a whole chunk at once and one frame at a time, if there is time to find out.
    alones = {0: probe(PER_FRAME, alone)}
    if left() > 3 * alones[0].seconds:
        alones[1] = probe(PER_FRAME, alone, 1)
    batch = min(alones, key=lambda b: alones[b].seconds)
    one, steps, count = alones[batch], fewest, len(work.clip)

    def needed(steps: int) -> float:
        return sum(each.at_steps(fewest, steps) for each in (one, both)) * count

    affordable = next((n for n in range(work.steps, fewest - 1, -1) if needed(n) <= left()), 0)
    finite = True
    if affordable:
        steps = affordable
        one, _ = work.run(PER_FRAME, alone, steps, batch=batch)
        both, pictures = work.run(CONSISTENT, method, steps)
        finite = all(bool(np.isfinite(picture).all()) for picture in pictures)
    peak = both.peak_bytes
    bar = model.bars_gib.get(size.name)
    return {
        "source": "x".join(map(str, size.source(model.enlarges))),
        "frames": both.frames,
        "steps": steps,
        "default_steps": work.steps,
        "dtype": number_type(backend),
        "weights_gib": backend.weights_bytes / _GIB,
        "per_frame_batch": batch or method.chunk,
        "ways": [asdict(one), asdict(both)],
        "seconds_per_frame": {way.label: way.at_steps(steps, work.steps) for way in (one, both)},
        "ratio": both.at_steps(steps, work.steps) / one.at_steps(steps, work.steps),
        "peak_gib": {way.label: None if way.peak_bytes is None else way.peak_bytes / _GIB for way in (one, both)},
        "bar_gib": bar,
        "finite": finite,
        "within_memory": None if bar is None or peak is None else peak / _GIB < bar,
        "options": {"method": asdict(method), "model": dict(work.choices.model_options)},
    }


def compare_precisions(model: Model, backend: Backend, size: Size) -> dict[str, Any]:
    """The same few frames, with the same noise, in 32 and in 16 bits: dB between the pictures, seconds and memory."""
    work = _Work.of(model, backend, size, chunk=_PRECISION_FRAMES)
    method = work.choices.method
    found: dict[str, Any] = {}
    exact: Sequence[Picture] = ()  # those in single precision
    for precision in ("fp32", "bf16", "fp16"):
        work.run("warm up", method, 1, precision=precision)
        spent, pictures = work.run(precision, method, _PRECISION_STEPS, precision=precision)
        exact = exact or pictures
        found[precision] = {
            "seconds_per_frame": spent.seconds_per_frame,
            "peak_gib": None if spent.peak_bytes is None else spent.peak_bytes / _GIB,
            "psnr_db": None if precision == "fp32" else psnr(pictures, exact),
        }
    return {"steps": min(_PRECISION_STEPS, work.steps), "frames": _PRECISION_FRAMES, "precisions": found}


def psnr(pictures: Sequence[Picture], exact: Sequence[Picture]) -> float:
    """dB between two clips; the peak is the range of `exact`, for random weights seldom fill [0, 1]."""
    a, b = np.stack(pictures).astype(np.float64), np.stack(exact).astype(np.float64)
    error = float(np.square(a - b).mean())
    if not math.isfinite(error):
        return -math.inf
    return math.inf if error == 0 else 10 * math.log10(float(b.max() - b.min()) ** 2 / error)
