"""What the daemon says of its options, as fields of a form; what each one takes is checked by the option itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from ...option import Kind as OptionKind
from ...option import Option
from ...rpc.convert_info import ModelForm
from .fields import Field, Kind

__all__ = ["PREFIX", "field_of", "merged", "own_options"]

PREFIX = "option."
"""Of the names of fields that are options."""

_KINDS: Mapping[OptionKind, Kind] = MappingProxyType(
    {"bool": "switch", "int": "integer", "float": "number", "choice": "choice", "text": "text"}
)
_OWN = "the model's own"


def field_of(option: Option) -> Field:
    """The field of an option."""
    return _with_default(_plain(option), option)


def own_options(models: Sequence[ModelForm]) -> dict[str, list[tuple[str, Option]]]:
    """Options that models have of their own, by name: each model that has it, and how."""
    found: dict[str, list[tuple[str, Option]]] = {}
    for model in models:
        for option in model.options:
            found.setdefault(option.name, []).append((model.name, option))
    return found


def merged(having: Sequence[tuple[str, Option]], models: int) -> Field:
    """One field for an option that some of so many models have, which takes what any of them takes.

    Where their defaults differ, giving nothing leaves it to the model.
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


def _plain(option: Option) -> Field:
    free = option.kind == "text" and not option.format
    return Field(
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


def _with_default(field: Field, option: Option) -> Field:
    return replace(field, default=None if field.empty == _OWN else field.read(option.default_text))
