"""Resolve a request's settings for a model. Imports nothing heavy, so that the parent can check them early."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from answerprint.api.request import RestoreRequest
from answerprint.backends.info import QUALITY, BackendInfo
from answerprint.errors import InputError, ModelError
from answerprint.temporal.options import MethodOptions, describe, parse_option, per_frame
from answerprint.temporal.presets import PRESET, PRESETS

__all__ = ["Choices", "resolve"]

_SAMPLER = "sampler"
_TASK = "task"


@dataclass(frozen=True, slots=True)
class Choices:
    """A request's settings, completed with defaults and split into the method's and the model's."""

    method: MethodOptions
    steps: int
    sampler: str
    model_options: Mapping[str, str] = field(default_factory=dict)


def resolve(request: RestoreRequest, info: BackendInfo) -> Choices:
    """Resolve a request's settings for the method and a model.

    Raises:
        ModelError: the model does not support the task or the scale.
        InputError: an option is unknown or has a wrong value.
    """
    if request.task not in info.tasks:
        raise ModelError(
            f"The model {request.model} does not support the task {request.task}.",
            f"It supports: {', '.join(info.tasks)}.",
        )
    if request.factor is not None and not info.check_scale(request.factor):
        raise ModelError(
            f"The model {request.model} does not support a scale of {request.scale}.",
            f"Choose a --scale of at most {info.largest_scale or info.scale}.",
        )
    method, own = _sort(request.options, info)
    sampler, quality = own.pop(_SAMPLER, info.samplers[0]), own.pop(QUALITY, "standard")
    if request.chunk is not None:
        method = replace(method, chunk=request.chunk)
    if request.noise is not None:
        method = parse_option(method, "noise", request.noise)
    if not (request.consistency and method.consistency):
        method = per_frame(method, method.noise if _noise_was_chosen(request) else "independent")
    if any(option.name == _TASK for option in info.options):
        own[_TASK] = request.task
    steps = request.steps or info.steps_at(quality)
    if info.most_steps and steps > info.most_steps:
        message = f"The model {request.model} does not support {steps} steps."
        raise InputError(message, f"Choose at most {info.most_steps}.")
    return Choices(method, steps, sampler, own)


def _sort(options: Mapping[str, str], info: BackendInfo) -> tuple[MethodOptions, dict[str, str]]:
    """Split options into the method's and the model's."""
    preset = PRESET.parse(options.get(PRESET.name, PRESET.default_text))
    method = MethodOptions()
    for name, text in (*info.method, *PRESETS[str(preset)].items()):
        method = parse_option(method, name, text)
    of_method = {option.name for option in describe()}
    of_model = {option.name: option for option in info.own_options}
    chosen: dict[str, str] = {}
    for name, text in options.items():
        key = name.replace("-", "_")
        if key in of_method:
            method = parse_option(method, key, text)
        elif key == PRESET.name:
            continue
        elif key in of_model:
            of_model[key].parse(text)
            chosen[key] = text
        else:
            valid = sorted(option.name for option in info.all_options)
            raise InputError(f"Unknown option {name!r}.", f"Options: {', '.join(valid)}.")
    return method, chosen


def _noise_was_chosen(request: RestoreRequest) -> bool:
    return request.noise is not None or "noise" in request.options
