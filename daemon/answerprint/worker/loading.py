"""Models for jobs: loading, keeping warm, and setting up for a job."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace

import torch

from answerprint.api.request import SETTINGS
from answerprint.backends.base import Backend, cast, number_type
from answerprint.backends.catalogue import ModelEntry
from answerprint.backends.info import BackendInfo
from answerprint.backends.load import load
from answerprint.backends.precision import working_bytes
from answerprint.errors import InputError
from answerprint.flow.cache import FlowCache
from answerprint.flow.registry import get_estimator
from answerprint.flow.source import FlowSource
from answerprint.ipc import events
from answerprint.pipeline.restore_clip import ClipSettings
from answerprint.store.failpoints import reach
from answerprint.temporal.sampler import Tiles
from answerprint.worker.memory_fallbacks import ChunkSettings, Needs, first_fallback, room_on
from answerprint.worker.model_cache import WarmModels
from answerprint.worker.requests import JobChannel
from answerprint.worker.resolved_job import ResolvedJob

__all__ = [
    "Models",
    "configured",
    "flow_through",
    "load_model",
    "settings_for",
    "tiles_for",
    "usual_recipe",
]


@dataclass(frozen=True, slots=True)
class Models:
    """The worker's models, for one job. keep_alive_seconds: after the job's end; negative keeps them until unloaded."""

    warm: WarmModels[Backend]
    device: torch.device
    keep_alive_seconds: float

    @contextmanager
    def for_job(self, resolved: ResolvedJob, device: torch.device, channel: JobChannel) -> Iterator[Backend | None]:
        """The job's model, as `use` gives it, with the job's settings; None, and nothing loaded, if it has no share."""
        if resolved.is_source:
            yield None
            return
        with self.use(resolved.entry, device, channel) as backend:
            yield configured(resolved, backend)

    @contextmanager
    def use(self, entry: ModelEntry, device: torch.device, channel: JobChannel) -> Iterator[Backend]:
        """The model while the block runs, loaded if it is not warm; its notices are sent as warnings.

        Raises InputError if `device` is not the worker's, and what loading raises.
        """
        if device != self.device:
            raise InputError(f"This worker runs on {self.device}, not {device}.", "Use --device auto.")

        def on_load() -> None:
            channel.emit(events.stage("load", f"Loading {entry.name}"))

        with self.warm.use(entry.name, self.keep_alive_seconds, on_load) as backend:
            try:
                yield backend
            finally:
                for notice in backend.take_notices():
                    channel.emit(events.warning(notice))

    def forget(self, model: str) -> None:
        """Unload the model after this job: it is no longer in its original state, so no other job may reuse it."""
        self.warm.unload(model)


def load_model(name: str, device: torch.device) -> Backend:
    """Load a model into memory. Raises ModelError, and out-of-memory errors."""
    reach("load_model")
    return load(name, device)


def configured(resolved: ResolvedJob, backend: Backend) -> Backend:
    """The backend, configured with the job's steps, sampler and options. Raises InputError for unsupported ones."""
    choices = resolved.choices
    backend.configure(steps=choices.steps, sampler=choices.sampler, options=dict(choices.model_options))
    return backend


def flow_through(cache: FlowCache) -> FlowSource:
    """A job's source of optical flow, backed by the shared cache."""
    return FlowSource(get_estimator("dis"), cache)


def usual_recipe(resolved: ResolvedJob, backend: Backend | None, rung: int = 0) -> ChunkSettings:
    """The settings of a job's chunks, in the backend's precision; None for no model. A higher rung takes less memory.

    The rung is raised if the requested one does not fit into the GPU's memory.
    """
    if backend is None:
        return ChunkSettings(resolved.choices.method.chunk, 0, 0, 0)
    chunk, tile_cells, size = resolved.choices.method.chunk, backend.info.tile_cells, resolved.latent_size
    per_cell = working_bytes(backend.info, resolved.choices.model_options, str(backend.device))
    needs = Needs(backend.weights_bytes, per_cell, size, chunk, tile_cells, backend.info.held_bytes)
    recipe, _ = needs.at(max(rung, first_fallback(needs, room_on(backend.device))))
    return replace(recipe, dtype=number_type(backend))


_AS_ASKED = {each.name for each in fields(ClipSettings)} & SETTINGS.keys() - {"size"}
"""Settings that the pipeline takes under the same name; the size is known only with the source."""


def settings_for(resolved: ResolvedJob, backend: Backend | None, recipe: ChunkSettings) -> ClipSettings:
    """Settings for the pipeline; also switches the backend to the precision of `recipe`.

    A resumed clip keeps the precision it began with, even on a device where `auto` would choose another.
    """
    if backend is not None:
        cast(backend, recipe.dtype)
    return ClipSettings(
        replace(resolved.choices.method, chunk=recipe.chunk),
        size=resolved.size,
        batch=recipe.batch,
        tiles=None if backend is None else tiles_for(backend.info, recipe.tile_cells),
        **{name: getattr(resolved.request, name) for name in _AS_ASKED},
    )


def tiles_for(info: BackendInfo, cells: int) -> Tiles:
    """Tiling for latents with a side above `cells` cells; 0 disables it."""
    return Tiles(cells, overlap=max(8, cells // 8), multiple=info.multiple_of)
