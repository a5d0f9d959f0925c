"""Where jobs get their models from, and how they are set up for one."""

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
    """The worker's models, for one job. keep_alive_seconds: after its end; below 0 for ever."""

    warm: WarmModels[Backend]
    device: torch.device
    keep_alive_seconds: float

    @contextmanager
    def use(self, entry: ModelEntry, device: torch.device, talk: JobChannel) -> Iterator[Backend]:
        """The model while the block runs, loaded if it is not warm; what it has to say by then becomes warnings.

        Raises InputError for a device that is not the worker's, and what loading raises.
        """
        if device != self.device:
            raise InputError(f"This worker has the device {self.device}, not {device}.", "Give --device auto.")

        def say() -> None:
            talk.emit(events.stage("load", f"Loading {entry.name}"))

        with self.warm.use(entry.name, self.keep_alive_seconds, say) as backend:
            try:
                yield backend
            finally:
                for notice in backend.take_notices():
                    talk.emit(events.warning(notice))

    def forget(self, model: str) -> None:
        """Give it to no other job, as it is no longer as it was loaded: it goes when this one has ended."""
        self.warm.unload(model)


def load_model(name: str, device: torch.device) -> Backend:
    """Bring a model into memory. Raises ModelError, and whatever says that memory ran out."""
    reach("load_model")
    return load(name, device)


def configured(order: ResolvedJob, backend: Backend) -> Backend:
    """The backend, set to take the steps that were asked for. Raises InputError for what it cannot do."""
    choices = order.choices
    backend.configure(steps=choices.steps, sampler=choices.sampler, options=dict(choices.model_options))
    return backend


def flow_through(cache: FlowCache) -> FlowSource:
    """The flow of a job, through the cache that all jobs share."""
    return FlowSource(get_estimator("dis"), cache)


def usual_recipe(order: ResolvedJob, backend: Backend, rung: int = 0) -> ChunkSettings:
    """How an order is done, in the precision that the backend has; a rung above 0 takes less memory.

    It is a higher one than was asked for where a graphics card is too small for that.
    """
    chunk, tile_cells, size = order.choices.method.chunk, backend.info.tile_cells, order.latent_size
    per_cell = working_bytes(backend.info, order.choices.model_options, str(backend.device))
    needs = Needs(backend.weights_bytes, per_cell, size, chunk, tile_cells, backend.info.held_bytes)
    recipe, _ = needs.at(max(rung, first_fallback(needs, room_on(backend.device))))
    return replace(recipe, dtype=number_type(backend))


_AS_ASKED = {each.name for each in fields(ClipSettings)} & SETTINGS.keys() - {"size"}
"""Settings of a request that the pipeline takes by the same name; the size is known only with the source."""


def settings_for(order: ResolvedJob, backend: Backend, recipe: ChunkSettings) -> ClipSettings:
    """What the pipeline is told: an order, done by a recipe, in whose precision the backend computes from now on.

    A clip that goes on elsewhere keeps the precision it began with, also where `auto` means another one there.
    """
    cast(backend, recipe.dtype)
    return ClipSettings(
        replace(order.choices.method, chunk=recipe.chunk),
        size=order.size,
        batch=recipe.batch,
        tiles=tiles_for(backend.info, recipe.tile_cells),
        **{name: getattr(order.request, name) for name in _AS_ASKED},
    )


def tiles_for(info: BackendInfo, cells: int) -> Tiles:
    """How latents are split that are longer than `cells`; 0 is not at all."""
    return Tiles(cells, overlap=max(8, cells // 8), multiple=info.multiple_of)
