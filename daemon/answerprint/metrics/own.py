"""Rows of a comparison restored by this program: a model, a variant of the method, and changed options."""

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
"""The default model of a job."""

_FLOW_CACHE_BYTES = 2**30


class Studio:
    """Loaded models, and the flow cache of the restored clips; a context manager."""

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
        """The model of that name, loaded once. Raises ModelError if it is not available."""
        if name not in self._loaded:
            self._loaded[name] = load(name, self._device)
        return self._loaded[name]

    def flow(self) -> FlowSource:
        """A cached source of flow between frames."""
        return FlowSource(get_estimator("dis"), self._flow)


@dataclass(frozen=True, slots=True)
class Own:
    """One row; a job with the same model and options gives the same pictures."""

    name: str
    model: str
    change: MethodChange
    studio: Studio
    options: Mapping[str, str] = field(default_factory=dict)
    """Options of the method and the model, as texts; applied after `change`."""
    steps: int | None = None
    """Number of steps; None is the model's default."""

    def absent(self) -> Absent | None:
        """None: a missing model is an error, raised by `choices`."""
        return None

    def choices(self, task: str) -> Choices:
        """Resolve the row's options. Raises InputError or ModelError."""
        return self._resolve(find_model(self.model).info, task)

    def restore(self, shot: DamagedClip) -> Restored:
        """Restore the clip."""
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
        raise InputError(f"Invalid value {text!r} for steps.", "Use a whole number, such as steps=4.")
    return int(text)
