"""Build the settings form: a field for each setting and for each option of the daemon, with the last values.

Each option checks its own values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from answerprint.api.clip_ref import ClipRef
from answerprint.api.request import AUTO, FIELD_TYPES, SETTINGS, RestoreRequest
from answerprint.errors import InputError
from answerprint.frames.codec_choice import LIKE_SOURCE
from answerprint.frames.codecs import CODECS
from answerprint.frames.colour import WORKING_SPACES
from answerprint.option import Option, OptionKind
from answerprint.resolve.put_back.modes import MODES
from answerprint.resolve.restore.settings import RestoreSettings
from answerprint.resolve.settings_form.form import FieldKind, Form, FormField
from answerprint.rpc.convert_info import ModelForm

__all__ = [
    "FIELDS_OF_A_REQUEST",
    "PLAIN_SETTINGS",
    "PREFIX",
    "field_of",
    "form_for",
    "kept_option",
    "merged",
    "own_options",
    "ready_models",
]

PREFIX = "option."
"""Prefix of the names of fields that are options."""

_KINDS: Mapping[OptionKind, FieldKind] = MappingProxyType(
    {"bool": "switch", "int": "integer", "float": "number", "choice": "choice", "text": "text"}
)
_TYPES: Mapping[str, OptionKind] = MappingProxyType({"bool": "bool", "int": "int", "float": "float", "str": "text"})
_OWN = "the model's own"


def field_of(option: Option) -> FormField:
    """The field of an option."""
    return _with_default(_plain(option), option)


def own_options(models: Sequence[ModelForm]) -> dict[str, list[tuple[str, Option]]]:
    """The options of the models by name: each model that has the option, and its form of it."""
    found: dict[str, list[tuple[str, Option]]] = {}
    for model in models:
        for option in model.options:
            found.setdefault(option.name, []).append((model.name, option))
    return found


def merged(having: Sequence[tuple[str, Option]], models: int) -> FormField:
    """One field for an option of several models, which accepts what any of them accepts. models: how many there are.

    If their defaults differ, an empty field means the model's own default.
    """
    options = [option for _, option in having]
    field = _plain(options[0])
    if len({option.kind for option in options}) > 1:
        field = replace(field, kind="text")
    elif len(options) > 1:
        least, most = [option.minimum for option in options], [option.maximum for option in options]
        field = replace(
            field,
            choices=tuple(dict.fromkeys((each, each) for option in options for each in option.choices)),
            minimum=None if None in least else min(each for each in least if each is not None),
            maximum=None if None in most else max(each for each in most if each is not None),
            takes=" or ".join(dict.fromkeys(option.form for option in options)),
        )
    if len(having) < models:
        field = replace(field, help=f"{field.help} Only with {', '.join(name for name, _ in having)}.")
    if len({option.default_text for option in options}) > 1:
        field = replace(field, empty=_OWN)
    return _with_default(field, options[0])


def _plain(option: Option) -> FormField:
    free = option.kind == "text" and not option.format
    return FormField(
        name=PREFIX + option.name,
        label=option.name.replace("_", " ").capitalize(),
        kind=_KINDS[option.kind],
        default=None,
        help=option.help,
        group="advanced",
        choices=tuple((each, each) for each in option.choices),
        minimum=option.minimum,
        maximum=option.maximum,
        unit=option.unit,
        empty="no text" if free else "",
        takes=option.form,
    )


def _with_default(field: FormField, option: Option) -> FormField:
    return replace(field, default=None if field.empty == _OWN else field.read(option.default_text))


FIELDS_OF_A_REQUEST = frozenset({"consistency", "chunk", "noise"})
"""Options of the method that are fields of a request."""

_BY_MODEL = ("model", "task", "size", "scale", "strength", "steps")
"""Settings whose fields depend on which models are ready."""

PLAIN_SETTINGS = tuple(
    name
    for name, setting in SETTINGS.items()
    if setting.label and name not in _BY_MODEL and name not in FIELDS_OF_A_REQUEST
)
"""The other settings that the form asks for: all about them is in the request."""

_CHOICES: Mapping[str, tuple[str, ...]] = MappingProxyType({"working_space": (AUTO, *WORKING_SPACES)})
"""What the form offers where a request takes any text."""
_NOTES: Mapping[str, str] = MappingProxyType(
    {"working_space": "With auto, Input Color Space and Input Gamma of the clip decide, then the tags of its file."}
)
"""What only those who work in Resolve need to know of a setting."""

_ASKED_ANYWAY = frozenset({"task"})
"""Options of models for which the form has a field of its own."""

_DEFAULTS = RestoreRequest(ClipRef("-"), "-")
_USUAL = RestoreSettings()
_MOST_HANDLES = 10_000  # as in RestoreSettings


def form_for(
    models: Sequence[ModelForm], method_options: Sequence[Option], last: RestoreSettings, project: str = ""
) -> Form:
    """The settings form with the last settings as defaults. models, method_options: as the daemon describes them.

    A last setting that is not possible any more becomes the default. Raises InputError if no model is ready.
    """
    ready = ready_models(models)
    last_model = last.settings.get("model")
    lost = last_model is not None and all(model.name != last_model for model in ready)
    default = next((model for model in ready if model.name == _DEFAULTS.model), ready[0])
    chosen = next((model for model in ready if model.name == last_model), default)
    own = {name: having for name, having in own_options(ready).items() if name not in _ASKED_ANYWAY}
    of_method = [each for each in method_options if each.name not in own]
    form = Form(
        title="Answerprint",
        intro=f"How to restore clips, and where to put them: {_printable(project)}" if project else "How to restore",
        fields=(
            *_image_fields(ready, chosen),
            *_put_back_fields(),
            *(field_of(each) for each in sorted(of_method, key=lambda option: option.group != "basic")),
            *(merged(having, len(ready)) for having in own.values()),
            *map(_plain_setting, PLAIN_SETTINGS),
            *_file_fields(),
        ),
    )
    return form.again(_answers(form, last, chosen), _lost(str(last_model), models) if lost else "")


def ready_models(models: Sequence[ModelForm]) -> list[ModelForm]:
    """The models that can be used now. Raises InputError if there are none."""
    ready = [model for model in models if model.ready]
    if not ready:
        faults = "; ".join(f"{model.name}: {model.fault}" for model in models if model.fault)
        raise InputError(f"No model is ready{f' ({faults})' if faults else ''}.", "Run: answerprint models list")
    return ready


def kept_option(settings: Mapping[str, Any], name: str) -> str | None:
    """The text chosen for an option; None if none was."""
    value = settings.get(name) if name in FIELDS_OF_A_REQUEST else None
    if value is None:
        # The command line accepts dashes as well.
        kept = settings.get("options")
        options = kept if isinstance(kept, Mapping) else {}
        value = {str(key).replace("-", "_"): text for key, text in options.items()}.get(name)
    if isinstance(value, bool):
        return "on" if value else "off"
    return None if value is None else str(value)


def _answers(form: Form, last: RestoreSettings, chosen: ModelForm) -> dict[str, object]:
    """The last settings as answers."""
    settings = last.settings
    task = settings.get("task")
    options = {field.name: kept_option(settings, field.name.removeprefix(PREFIX)) for field in form.fields}
    return {
        **{name: value for name, value in options.items() if name.startswith(PREFIX) and value is not None},
        **{name: settings.get(name) for name in ("strength", "steps", *PLAIN_SETTINGS)},
        "model": chosen.name,
        "task": task if task in chosen.tasks else next(iter(chosen.tasks), None),
        "size": _size(settings),
        "put": last.put,
        "handles": last.handles,
        "disable": last.disable,
        "folder": last.folder,
        "codec": last.codec,
        "audio": last.audio,
        "sidecar": last.sidecar,
    }


def _image_fields(ready: Sequence[ModelForm], chosen: ModelForm) -> list[FormField]:
    tasks = list(dict.fromkeys(task for model in ready for task in model.tasks))
    pictured = [model for model in ready if model.gives == "picture"]
    most = [model.most_steps for model in ready]
    fields = [
        FormField(
            "model",
            "Model",
            "choice",
            chosen.name,
            " ".join(f"{model.name}: {model.summary}." for model in ready),
            choices=tuple((model.name, model.name) for model in ready),
        ),
        FormField(
            "task",
            "Task",
            "choice",
            next(iter(tasks), None),
            "What the model does. " + " ".join(f"{model.name}: {', '.join(model.tasks)}." for model in ready),
            choices=tuple((each, each) for each in tasks),
        ),
        FormField(
            "size",
            "Size",
            "text",
            None,
            "Size of the restored clip: a factor of the source, or pixels. Largest factor: "
            + ", ".join(f"{model.name} {_largest(model)}" for model in ready)
            + ".",
            empty="timeline size",
            takes="a factor such as 2 or 3/2, or WIDTHxHEIGHT in pixels, or nothing for the timeline's size",
        ),
        FormField(
            "strength",
            "Strength",
            "number",
            _DEFAULTS.strength,
            "Blend of the restored picture (1) with the enlarged source (0)." + _only(pictured, ready),
            minimum=0,
            maximum=1,
        ),
        FormField(
            "steps",
            "Steps",
            "integer",
            None,
            "More steps are slower and finer. " + " ".join(f"{model.name}: {model.default_steps}." for model in ready),
            minimum=1,
            maximum=None if 0 in most else max(most),
            empty=f"the model's own, {chosen.default_steps}" if len(ready) == 1 else "the model's own",
        ),
    ]
    asked = {"task": len(tasks) > 1, "strength": bool(pictured), "steps": set(most) != {1}}
    return [field for field in fields if asked.get(field.name, True)]


def _plain_setting(name: str) -> FormField:
    """The field of a setting that is the same for every model."""
    setting, kind = SETTINGS[name], FIELD_TYPES[name].removesuffix(" | None")
    choices, default = setting.choices or _CHOICES.get(name, ()), getattr(_DEFAULTS, name)
    return FormField(
        name,
        setting.label,
        "choice" if choices else _KINDS[_TYPES[kind]],
        default,
        f"{setting.help[0].upper()}{setting.help[1:]}. {_NOTES.get(name, '')}".rstrip(),
        "advanced",
        choices=tuple((each, each) for each in choices),
        minimum=setting.minimum,
        maximum=setting.maximum,
        empty=setting.default if default is None else "",
    )


def _only(having: Sequence[ModelForm], ready: Sequence[ModelForm]) -> str:
    """A note naming the models that a field is for; "" if it is for all."""
    return f" Only with {', '.join(model.name for model in having)}." if len(having) < len(ready) else ""


def _largest(model: ModelForm) -> str:
    """The largest factor of a model, with the default factors of its tasks."""
    of_tasks = "".join(f" ({task}: {scale} by default)" for task, scale in model.task_scales.items())
    return f"{model.largest_scale or model.scale}{of_tasks}"


def _put_back_fields() -> list[FormField]:
    return [
        FormField(
            "put",
            "Put back",
            "choice",
            _USUAL.put,
            "Sorted by how much it changes in the project.",
            choices=tuple((mode.name, mode.label) for mode in MODES.values()),
        ),
        FormField(
            "handles",
            "Handles",
            "integer",
            _USUAL.handles,
            f"Extra frames before and after, if the source has them; {_USUAL.handles} are enough for most dissolves.",
            minimum=0,
            maximum=_MOST_HANDLES,
            unit="frames",
        ),
        FormField(
            "disable",
            "Hide the original",
            "switch",
            _USUAL.disable,
            "With a new track above: disable the original below.",
        ),
        FormField(
            "folder",
            "Folder",
            "folder",
            None,
            "Where restored files go.",
            empty="Restored, next to the source",
        ),
        FormField(
            "codec",
            "Codec",
            "choice",
            _USUAL.codec,
            "Codec of the restored files.",
            choices=(
                *((codec.name, codec.description) for codec in CODECS.values()),
                (LIKE_SOURCE, "The same kind as each source; ProRes 4444 if that cannot be written"),
            ),
        ),
    ]


def _file_fields() -> list[FormField]:
    """What restored files have beside the picture."""
    return [
        FormField(
            "audio",
            "Sound",
            "switch",
            _USUAL.audio,
            "Restored files have the sound of their source. It stays in any case in the timeline, and in a file that "
            "replaces the clip's own.",
            "advanced",
        ),
        FormField(
            "sidecar",
            "Report",
            "switch",
            _USUAL.sidecar,
            "Also write a JSON file beside each restored file: hashes, model, settings, and the MD5 of every frame.",
            "advanced",
        ),
    ]


def _size(settings: Mapping[str, Any]) -> str | None:
    size, scale = settings.get("size"), settings.get("scale")
    if isinstance(size, (list, tuple)) and len(size) == 2:
        return f"{size[0]}x{size[1]}"
    return str(scale) if scale else None


def _lost(name: str, models: Sequence[ModelForm]) -> str:
    fault = next((model.fault for model in models if model.name == name), "")
    return f"The last model, {_printable(name)}, is not available{f': {fault}' if fault else ''}."


def _printable(text: str) -> str:
    """A name with printable characters only."""
    return "".join(each if each.isprintable() else " " for each in text)
