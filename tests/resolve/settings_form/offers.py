"""What daemons offer: the families that there are, and models that were invented to differ in everything."""

from __future__ import annotations

from dataclasses import replace

from answerprint.api.request import DEFAULT_MODELS
from answerprint.backends.catalogue import entries
from answerprint.option import Option
from answerprint.resolve.restore.settings import RestoreSettings
from answerprint.resolve.settings_form.build import form_for
from answerprint.resolve.settings_form.form import Form, FormField
from answerprint.rpc.convert_info import ModelForm, model_from, model_to, option_from, option_to
from answerprint.rpc.v1 import models_pb2
from answerprint.temporal.options import describe

__all__ = ["DEFAULT", "FACES", "METHOD", "MODELS", "TINY", "field", "form"]


def _option(name: str, kind: str, default: str, choices: tuple[str, ...] = (), least: float | None = None) -> Option:
    words = f"What {name} does."
    return option_from(
        models_pb2.Option(name=name, kind=kind, default_value=default, help=words, minimum=least, choices=choices)
    )


METHOD = [option_from(option_to(option)) for option in describe()]
"""The options of the method, as they come from a daemon."""

TINY, DEFAULT = (
    next(replace(model_from(model_to(entry)), ready=True) for entry in entries() if entry.name == name)
    for name in ("tiny-x4", DEFAULT_MODELS["standard"])
)
FACES = ModelForm(
    name="faces",
    version="1",
    family="faces",
    summary="for faces",
    licence="",
    tasks=("face", "denoise"),
    scale=1,
    largest_scale=2,
    default_steps=25,
    samplers=("ddpm",),
    options=(
        _option("sampler", "choice", "ddpm", ("ddpm", "other")),
        _option("guidance", "float", "4", least=0),
        _option("prompt", "text", "a face"),
    ),
    ready=True,
    fault="",
)
MODELS = [TINY, FACES]


def form(wishes: RestoreSettings | None = None, models: list[ModelForm] | None = None) -> Form:
    """The form of what is offered here."""
    return form_for(MODELS if models is None else models, METHOD, wishes or RestoreSettings(), "Reel 7")


def field(form: Form, name: str) -> FormField:
    """A field by its name."""
    return next(each for each in form.fields if each.name == name)
