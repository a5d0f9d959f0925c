"""Rows of a comparison that this program's models make: a model, a variant of the method, and changed options."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch

from answerprint.api.clip_ref import ClipRef
from answerprint.api.request import RestoreRequest
from answerprint.backends.base import Backend
from answerprint.backends.catalogue import find_model
from answerprint.backends.info import BackendInfo
from answerprint.backends.load import load
from answerprint.errors import InputError
from answerprint.flow.cache import FlowCache
from answerprint.flow.registry import get_estimator
from answerprint.flow.source import FlowSource
from answerprint.frames import Frame
from answerprint.metrics.perceptual import Absent
from answerprint.metrics.rivals.base import DamagedClip, Restored
from answerprint.metrics.variants import MethodChange
from answerprint.pipeline.choices import Choices, resolve
from answerprint.pipeline.restore_clip import ClipSettings, restore_clip
from answerprint.temporal.options import describe, parse_option

__all__ = ["DEFAULT_MODEL", "Own", "Studio"]

DEFAULT_MODEL = RestoreRequest(ClipRef("in"), "out").model
"""What a job takes that names no model."""

_FLOW_CACHE_BYTES = 2**30


class Studio:
    """Models in memory, each loaded once, and the flow of the clips that were restored. Close it by `with`."""

    def __init__(self, device: str = "cpu") -> None:
        self._device = torch.device(device)
        self._loaded: dict[str, Backend] = {}
        self._folder = tempfile.TemporaryDirectory(prefix="answerprint-")
        self._flow = FlowCache(Path(self._folder.name), _FLOW_CACHE_BYTES)

    def __enter__(self) -> Studio:
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()

    def model(self, name: str) -> Backend:
        """The model of that name; raises ModelError where it cannot be had."""
        if name not in self._loaded:
            self._loaded[name] = load(name, self._device)
        return self._loaded[name]

    def flow(self) -> FlowSource:
        """Flow between the frames of any clip; what was estimated once is kept."""
        return FlowSource(get_estimator("dis"), self._flow)


@dataclass(frozen=True, slots=True)
class Own:
    """One row. A job with the model and these options would make the same pictures."""

    name: str
    model: str
    change: MethodChange
    studio: Studio
    options: Mapping[str, str] = field(default_factory=dict)
    """Options of the method and of the model, as typed; they count after `change`."""
    steps: int | None = None
    """None is the model's own number."""

    def absent(self) -> Absent | None:
        """Never absent: a model that is not there is an error, told by `choices`."""
        return None

    def choices(self, task: str) -> Choices:
        """What the row asks for; raises InputError or ModelError where that cannot be had."""
        return self._resolve(find_model(self.model).info, task)

    def restore(self, shot: DamagedClip) -> Restored:
        """The clip, restored."""
        backend = self.studio.model(self.model)
        choices = self._resolve(backend.info, shot.task)
        backend.configure(steps=choices.steps, sampler=choices.sampler, options=dict(choices.model_options))
        settings = ClipSettings(choices.method, seed=shot.seed, size=shot.size)
        frames = (Frame(shot.first + k, picture, None) for k, picture in enumerate(shot.low))
        started = time.perf_counter()
        pictures, keys = [], []
        for chunk in restore_clip(frames, backend, self.studio.flow(), settings):
            pictures += [frame.picture.clip(0, 1) for frame in chunk]
            keys += [chunk.state.key] if choices.method.consistency else []
        seconds = (time.perf_counter() - started) / len(shot.low)
        return Restored(pictures, seconds, keyframes=tuple(key[0] - shot.first for key in keys if key is not None))

    def _resolve(self, info: BackendInfo, task: str) -> Choices:
        of_method = {option.name for option in describe()}
        of_model = {name: text for name, text in self.options.items() if name not in of_method}
        steps = _whole(of_model.pop("steps")) if "steps" in of_model else self.steps
        request = RestoreRequest(ClipRef("in"), "out", model=self.model, task=task, steps=steps, options=of_model)
        choices = resolve(request, info)
        method = self.change(choices.method)
        for name, text in self.options.items():
            if name in of_method:
                method = parse_option(method, name, text)
        return Choices(method, choices.steps, choices.sampler, choices.model_options)


def _whole(text: str) -> int:
    if not text.isdigit():
        raise InputError(f"steps does not take {text!r}.", "Give a whole number, such as steps=4.")
    return int(text)
