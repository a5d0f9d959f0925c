"""Messages of any type, made from its descriptor: as Hypothesis strategies, and at random for fuzzing."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import strategies as st

__all__ = ["any_bytes", "messages"]

F = FieldDescriptor
_WHOLE = {
    F.TYPE_INT32: (-(2**31), 2**31 - 1),
    F.TYPE_INT64: (-(2**63), 2**63 - 1),
    F.TYPE_UINT32: (0, 2**32 - 1),
    F.TYPE_UINT64: (0, 2**64 - 1),
}


def messages(of: type[Message], fixed: dict[str, st.SearchStrategy[Any]] | None = None) -> st.SearchStrategy[Any]:
    """Messages of a type with proper values in any of their fields; `fixed` gives those of some, by full name."""
    known = fixed or {}
    kind: Any = of.DESCRIPTOR
    choices = [oneof for oneof in kind.oneofs if len(oneof.fields) > 1]  # an optional field is a oneof of its own

    @st.composite
    def build(draw: st.DrawFn) -> Message:
        message = of()
        chosen = {draw(st.sampled_from([field.name for field in oneof.fields])) for oneof in choices}
        rivals = {field.name for oneof in choices for field in oneof.fields} - chosen
        for field in kind.fields:
            always = field.name in chosen or field.full_name in known
            if field.name not in rivals and (always or draw(st.booleans())):
                _put(message, field, draw(_values(field, known)))
        return message

    return build()


def _put(message: Message, field: FieldDescriptor, value: Any) -> None:  # noqa: ANN401
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        target = getattr(message, field.name)
        target.update(value)
    elif field.is_repeated:
        getattr(message, field.name).extend(value)
    elif field.message_type is not None:
        getattr(message, field.name).CopyFrom(value)
    else:
        setattr(message, field.name, value)


def _values(field: FieldDescriptor, fixed: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    if field.full_name in fixed:
        return fixed[field.full_name]
    kind = field.message_type
    if kind is not None and kind.GetOptions().map_entry:
        keys = st.text(min_size=1, max_size=8)
        return st.dictionaries(keys, _values(kind.fields_by_name["value"], fixed), max_size=3)
    one = messages(GetMessageClass(kind), fixed) if kind is not None else _scalars(field)
    return st.lists(one, max_size=3) if field.is_repeated else one


def _scalars(field: FieldDescriptor) -> st.SearchStrategy[Any]:
    if field.type in _WHOLE:
        least, most = _WHOLE[field.type]
        # Counts of the program end at 2^63 - 1, as those of SQLite and of files do.
        return st.integers(max(least, 0), min(most, 2**63 - 1))
    if field.type == F.TYPE_STRING:
        return st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
    if field.type == F.TYPE_BYTES:
        return st.binary(max_size=12)
    if field.type == F.TYPE_BOOL:
        return st.booleans()
    if field.enum_type is not None:
        return st.sampled_from([value.number for value in field.enum_type.values])
    return st.floats(allow_nan=False, allow_infinity=False, width=32)


# At random, proper or not.

_TEXTS = (
    *("", "1", "7f3a", "0b0e9c1e-6d2f-4b3e-9a51-3f5f0d6c7a21", "tiny-x4", "auto", "sr", "2", "3/2", "1/0", "0:10", ":"),
    *("/", "/in.mov", "/no/out.mov", "/no/plate.%04d.png", "/a/../b", "../x", "relative.mov", "file:///etc/passwd"),
    *("http://localhost/x.m3u8", "concat:/a|/b", "/nul\0byte", "/" + "a" * 300, "/a" * 3000, "x" * 5000, "\x7f\x1b[2J"),
    *("плёнка", "🎞" * 400, "%s%n", "'; DROP TABLE job; --", "__proto__", "9" * 40, "-1", "NaN", "\n"),
)
_WHOLES = (0, 1, 2, 8, -1, 100, 101, -100, -101, 2**31 - 1, -(2**31), 2**32 - 1, 2**63 - 1, -(2**63), 2**64 - 1)
_REALS = (0.0, 1.0, -1.0, 0.5, math.nan, math.inf, -math.inf, 1e308, 5e-324)


def any_bytes(of: type[Message], source: random.Random) -> bytes:
    """A request of a type, proper in some fields: values at limits, unknown fields, noise."""
    if source.random() < 0.1:
        return source.randbytes(source.choice((0, 1, 2, 10, 100, 5000)))
    data = bytearray(_any_message(of, source).SerializeToString())
    if source.random() < 0.15:
        data += _unknown_field(source)
    if data and source.random() < 0.2:
        for _ in range(source.randint(1, 4)):
            _mutate(data, source)
    return bytes(data)


def _any_message(of: type[Message], source: random.Random) -> Message:
    message = of()
    kind: Any = of.DESCRIPTOR
    for field in kind.fields:
        if source.random() < 0.55:
            continue
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            for _ in range(source.choice((0, 1, 3, 300))):
                getattr(message, field.name)[source.choice(_TEXTS)[:20] + str(source.random())] = source.choice(_TEXTS)
        elif field.is_repeated:
            values = [_any_value(field, source) for _ in range(source.choice((0, 1, 3)))]
            getattr(message, field.name).extend(values)
        else:
            _put(message, field, _any_value(field, source))
    return message


def _any_value(field: FieldDescriptor, source: random.Random) -> Any:  # noqa: ANN401
    if field.message_type is not None:
        return _any_message(GetMessageClass(field.message_type), source)
    if field.type in _WHOLE:
        least, most = _WHOLE[field.type]
        return min(max(source.choice(_WHOLES), least), most)
    if field.enum_type is not None:
        return source.choice((0, 1, 2, 3, 99, -1))
    choices: dict[int, Callable[[], Any]] = {
        F.TYPE_STRING: lambda: source.choice(_TEXTS),
        F.TYPE_BYTES: lambda: source.randbytes(8),
        F.TYPE_BOOL: lambda: source.random() < 0.5,
    }
    return choices.get(field.type, lambda: source.choice(_REALS))()


def _unknown_field(source: random.Random) -> bytes:
    """A field that no version has: number 1000 or more, as a number or as bytes."""
    number = source.randint(1000, 16000)
    tag = (number << 3) | source.choice((0, 2))
    data = bytearray()
    while tag > 127:
        data.append(tag & 127 | 128)
        tag >>= 7
    data.append(tag)
    return bytes(data) + b"\x05hello" if data[0] & 7 == 2 else bytes(data) + b"\x01"


def _mutate(data: bytearray, source: random.Random) -> None:
    place = source.randrange(len(data)) if data else 0
    match source.randrange(3):
        case 0 if data:
            data[place] ^= 1 << source.randrange(8)
        case 1:
            data[place:place] = source.randbytes(source.randint(1, 8))
        case _:
            del data[place : place + source.randint(1, 8)]
