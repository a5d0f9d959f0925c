"""From answers to settings: every value is checked against what the daemon reports of the chosen model."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from answerprint.api.clip_ref import ClipRef
from answerprint.api.request import SETTINGS, RestoreRequest
from answerprint.errors import InputError
from answerprint.option import Option
from answerprint.resolve.restore.settings import RestoreSettings
from answerprint.resolve.settings_form.build import FIELDS_OF_A_REQUEST, PLAIN_SETTINGS, PREFIX, ready_models
from answerprint.resolve.settings_form.form import Answers, FieldValue, Form, FormField
from answerprint.rpc.convert_info import ModelForm

__all__ = ["settings_from"]

_SIZE = re.compile(r"(\d{1,5}) ?x ?(\d{1,5})")
_ASKED = frozenset(SETTINGS) - {"device"}
"""Settings that the form sets; the others stay as they were."""


def settings_from(
    form: Form,
    answers: Answers,
    models: Sequence[ModelForm],
    method_options: Sequence[Option],
    last: RestoreSettings,
) -> RestoreSettings:
    """The settings by the answers to a form; what the form does not ask stays as in `last`.

    Raises InputError, which names the field and its valid values.
    """
    values = form.read(answers)
    model = next(each for each in ready_models(models) if each.name == values["model"])
    settings: dict[str, Any] = {
        **{name: value for name, value in last.settings.items() if name not in _ASKED},
        "model": model.name,
        "task": _task(form, values, model),
        "strength": _strength(values, model),
        **{name: values[name] for name in PLAIN_SETTINGS if values[name] is not None},
        **_size(values, model),
        **_options(form, values, [*method_options, *model.options]),
    }
    steps = _steps(values, model)
    if steps is not None:
        settings["steps"] = steps
    codec = str(values["codec"])
    RestoreRequest.from_json({**settings, "input": "-", "output": "-", "codec": codec})
    return RestoreSettings(
        put=str(values["put"]),
        handles=cast(int, values["handles"]),
        folder=_folder(values),
        codec=codec,
        disable=bool(values["disable"]),
        audio=bool(values["audio"]),
        sidecar=bool(values["sidecar"]),
        settings=settings,
        priority=last.priority,
        not_before=last.not_before,
    )


def _task(form: Form, values: Mapping[str, FieldValue], model: ModelForm) -> str:
    if "task" not in values:  # there is only one
        return model.tasks[0]
    if values["task"] not in model.tasks:
        remedy = f"Choose {' or '.join(model.tasks)}."
        raise InputError(f"Task cannot be {values['task']!r} with the model {model.name}.", remedy)
    return str(values["task"])


def _strength(values: Mapping[str, FieldValue], model: ModelForm) -> FieldValue:
    """The strength; always 1 for a model whose output does not blend with the source."""
    return values["strength"] if "strength" in values and model.gives == "picture" else 1.0


def _steps(values: Mapping[str, FieldValue], model: ModelForm) -> int | None:
    steps = cast("int | None", values.get("steps"))
    if steps is not None and 0 < model.most_steps < steps:
        remedy = f"Give at most {model.most_steps}, or leave it empty."
        raise InputError(f"Steps cannot be {steps} with the model {model.name}.", remedy)
    return steps


def _size(values: Mapping[str, FieldValue], model: ModelForm) -> dict[str, Any]:
    text = values["size"]
    if text is None:
        return {}
    match = _SIZE.fullmatch(str(text))
    size: dict[str, Any] = {"size": (int(match[1]), int(match[2]))} if match else {"scale": str(text).replace(",", ".")}
    try:
        factor = RestoreRequest(ClipRef("-"), "-", **size).factor
    except InputError as error:
        remedy = "Give a factor such as 2 or 3/2, or WIDTHxHEIGHT in pixels; leave it empty for the timeline's size."
        raise InputError(f"Size cannot be {text!r}.", remedy) from error
    most = model.largest_scale or model.scale
    if factor is not None and factor > most:
        raise InputError(f"Size cannot be {text!r} with the model {model.name}.", f"Give a factor of at most {most}.")
    return size


def _options(form: Form, values: Mapping[str, FieldValue], options: Sequence[Option]) -> dict[str, object]:
    """Options that differ from their defaults; options of other models are skipped."""
    fields = {field.name: field for field in form.fields}
    chosen: dict[str, str] = {}
    settings: dict[str, object] = {}
    for option in {option.name: option for option in options}.values():  # a model's option overrides the method's
        field = fields.get(PREFIX + option.name)
        if field is None or (field.empty and values[field.name] is None and option.kind != "text"):
            continue
        value = _parse(option, field, values[field.name])
        if value == option.default_text:
            continue
        if option.name in FIELDS_OF_A_REQUEST:
            settings[option.name] = option.parse(value)
        else:
            chosen[option.name] = value
    return {**settings, "options": chosen}


def _parse(option: Option, field: FormField, value: FieldValue) -> str:
    """A value in its option's own text. Raises InputError."""
    try:
        return option.text(option.parse(field.shown(value)))
    except InputError as error:
        raise InputError(f"{field.label} cannot be {field.shown(value)!r}.", error.remedy) from error


def _folder(values: Mapping[str, FieldValue]) -> str:
    text = values["folder"]
    if text is None:
        return ""
    try:
        path = Path(str(text)).expanduser()
    except RuntimeError as error:  # ~user of an unknown user
        raise InputError(f"Folder cannot be {text!r}.", "Give an absolute path.") from error
    if not path.is_absolute():
        raise InputError(f"Folder cannot be {text!r}.", "Give an absolute path, from the root or the drive.")
    return str(path)
