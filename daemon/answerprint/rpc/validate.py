"""Whether a request can be meant: checked field by field before anything else sees it.

What holds for every field comes from its type; what holds for one alone is in `rules`. The queue checks what only it
can know: whether there is such a job, model or file.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.unknown_fields import UnknownFieldSet

from ..errors import InputError
from .rules import MESSAGE_RULES, REQUIRED, VALUE_RULES, check_text, limit

__all__ = ["parse", "validate"]

_MOST_ENTRIES = 256  # of a map or a list


def parse(kind: type[Message], data: bytes) -> Message:
    """Return a request that may go on. Raises InputError for bytes that are none, and as `validate` does."""
    message = kind()
    try:
        message.ParseFromString(data)
    except (DecodeError, RecursionError) as error:
        raise InputError(f"The request is no {kind.DESCRIPTOR.name}.", "Use a client of this version.") from error
    validate(message)
    return message


def validate(message: Message) -> None:
    """Raise InputError, naming the field, for what cannot be meant, and for what this version does not know."""
    _check_message(message, "")


def _check_message(message: Message, path: str) -> None:
    name = path or message.DESCRIPTOR.name
    unknown = UnknownFieldSet(message)
    if len(unknown):
        raise InputError(
            f"{name} has an unknown field {unknown[0].field_number}.",
            "The client is newer than the daemon: restart the daemon, or update it.",
        )
    for field, value in message.ListFields():
        _check_field(field, value, f"{path}.{field.name}" if path else field.name)
    rule = MESSAGE_RULES.get(message.DESCRIPTOR.full_name)
    if rule is not None:
        rule(name, message)
    for required in REQUIRED.get(message.DESCRIPTOR.full_name, ()):
        if not _is_set(message, required):
            raise InputError(f"{f'{path}.' if path else ''}{required} is missing.", "Set it.")


def _check_field(field: FieldDescriptor, value: Any, path: str) -> None:  # noqa: ANN401 - of any type a field can have
    if _is_map(field):
        _check_map(field, value, path)
        return
    rule = VALUE_RULES.get(field.full_name)
    for each, where in _elements(field, value, path):
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            _check_message(each, where)
        else:
            _check_scalar(field, each, where)
        if rule is not None:
            rule(where, each)


def _elements(field: FieldDescriptor, value: Any, path: str) -> Iterator[tuple[Any, str]]:  # noqa: ANN401
    if not field.is_repeated:
        yield value, path
        return
    limit(path, len(value), _MOST_ENTRIES, "entries")
    for index, each in enumerate(value):
        yield each, f"{path}[{index}]"


def _check_map(field: FieldDescriptor, value: Mapping[str, Any], path: str) -> None:
    limit(path, len(value), _MOST_ENTRIES, "entries")
    entry: Any = field.message_type
    of_values = entry.fields_by_name["value"]
    for key, each in value.items():
        if not key:
            raise InputError(f"{path} has an entry without a name.", "Name it.")
        check_text(f"A name in {path}", key)
        where = f"{path}[{key[:40]!r}]"
        _check_scalar(of_values, each, where)
        if (rule := VALUE_RULES.get(of_values.full_name)) is not None:
            rule(where, each)


def _check_scalar(field: FieldDescriptor, value: Any, path: str) -> None:  # noqa: ANN401
    if field.type == FieldDescriptor.TYPE_STRING:
        if field.full_name not in VALUE_RULES:
            check_text(path, value)
    elif field.type in (FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FLOAT):
        if not math.isfinite(value):
            raise InputError(f"{path} is not a number.", "Give a finite one.")
    elif field.enum_type is not None and value not in field.enum_type.values_by_number:
        known = ", ".join(each.name for each in field.enum_type.values if each.number)
        raise InputError(f"{path} has the unknown value {value}.", f"It can be {known}.")


def _is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and bool(field.message_type.GetOptions().map_entry)


def _is_set(message: Message, name: str) -> bool:
    """Whether a field has a value, or one of a oneof has."""
    if name in message.DESCRIPTOR.oneofs_by_name:
        return message.WhichOneof(name) is not None
    field = message.DESCRIPTOR.fields_by_name[name]
    return message.HasField(name) if field.has_presence else bool(getattr(message, name))
