"""Validate requests field by field, before anything else sees them.

General rules follow from the type of a field; special rules are listed by the full names of fields and messages. A
rule takes the path to show and the value, and raises InputError. Whether a job, model or file exists is checked later,
by the queue.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePath
from types import MappingProxyType
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.unknown_fields import UnknownFieldSet

from answerprint.api.clip_ref import CLIP_WORDS
from answerprint.api.request import FIELD_TYPES, SETTINGS, Setting
from answerprint.errors import InputError

__all__ = ["MESSAGE_RULES", "REQUIRED", "VALUE_RULES", "check_text", "limit", "parse", "validate"]

FieldRule = Callable[[str, Any], None]

_LONGEST_TEXT = 1024  # characters, unless a rule says otherwise
_LONGEST_NOTE = 16 << 10  # characters, of data that an editor stores with a job
_LONGEST_PATH = 4095  # bytes, the limit of Linux
_LONGEST_NAME = 255  # bytes, of one part of a path

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_REFERENCE = re.compile(r"[0-9a-fA-F-]{1,36}")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}")
_TIMECODE = re.compile(r"\d{1,2}:\d{2}:\d{2}[:;.,]\d{2,3}")

# google.protobuf.Timestamp ends with the year 9999; times before 1970 are refused.
_LAST_SECOND = 253402300799


def limit(path: str, count: int, most: int, what: str) -> None:
    """Raise InputError if `count` is larger than `most`."""
    if count > most:
        raise InputError(f"{path} has {count} {what}.", f"At most {most} are allowed.")


def check_text(path: str, value: str, longest: int = _LONGEST_TEXT) -> None:
    """Check any text. Raises InputError."""
    limit(path, len(value), longest, "characters")
    if "\0" in value:
        raise InputError(f"{path} contains a zero byte.", "Remove it.")


def _path(path: str, value: str) -> None:
    data = value.encode()
    if "\0" in value:
        raise InputError(f"{path} contains a zero byte.", "Give a path.")
    # URLs are not absolute paths: this refuses file:, http: and concat:.
    if not PurePath(value).is_absolute():
        raise InputError(f"{path} is not an absolute path.", "Give the full path of a file on this machine.")
    limit(path, len(data), _LONGEST_PATH, "bytes")
    parts = re.split(r"[\\/]" if os.name == "nt" else "/", value)
    if ".." in parts:
        raise InputError(f"{path} contains '..'.", "Give the resolved path.")
    limit(f"A name in {path}", max(len(part.encode()) for part in parts), _LONGEST_NAME, "bytes")


def _long_text(path: str, value: str) -> None:
    check_text(path, value, _LONGEST_NOTE)


def _matching(pattern: re.Pattern[str], what: str, example: str) -> FieldRule:
    def check(path: str, value: str) -> None:
        if not pattern.fullmatch(value):
            raise InputError(f"{path} is not {what}.", f"Give a value such as {example}.")

    return check


def _one_of(words: tuple[str, ...]) -> FieldRule:
    return _matching(re.compile("|".join(words)), "known here", " or ".join(words))


def _between(least: float, most: float) -> FieldRule:
    def check(path: str, value: float) -> None:
        if not least <= value <= most:
            raise InputError(f"{path} cannot be {value:g}.", f"Give a number from {least:g} to {most:g}.")

    return check


def _shorter(most: int) -> FieldRule:
    def check(path: str, value: str) -> None:
        check_text(path, value)
        limit(path, len(value), most, "characters")

    return check


def _known(path: str, value: int) -> None:
    if value == 0:
        raise InputError(f"{path} is unspecified.", "Give a state, or none for all.")


# Rules for a whole message.


def _rational(path: str, value: Any) -> None:  # noqa: ANN401 - generated messages share no useful type
    if value.numerator < 1 or value.denominator < 1:
        raise InputError(f"{path} is not a positive fraction.", "Numerator and denominator must be 1 or more.")


def _frame_range(path: str, value: Any) -> None:  # noqa: ANN401
    if not 0 <= value.first < value.stop <= _MOST_FRAMES:
        raise InputError(
            f"{path} cannot be {value.first}:{value.stop}.",
            f"Frames count from 0 to {_MOST_FRAMES}; stop is exclusive, and larger than first.",
        )


def _clip(path: str, value: Any) -> None:  # noqa: ANN401
    if value.HasField("range") and value.range_text:
        raise InputError(f"{path}.range and {path}.range_text are mutually exclusive.", "Set only one of them.")
    if (value.handle_before or value.handle_after) and not (value.HasField("range") or value.range_text):
        raise InputError(f"{path} has handles without a range.", f"Set {path}.range or {path}.range_text too.")


def _settings(path: str, value: Any) -> None:  # noqa: ANN401
    if value.scale and value.HasField("size"):
        raise InputError(f"{path}.scale and {path}.size are mutually exclusive.", "Set only one of them.")


def _timestamp(path: str, value: Any) -> None:  # noqa: ANN401
    if not (0 <= value.seconds <= _LAST_SECOND and 0 <= value.nanos < 10**9):
        raise InputError(f"{path} is not a time.", "Give a time between 1970 and 9999.")


def _move(path: str, value: Any) -> None:  # noqa: ANN401
    if not (value.HasField("priority") or value.place or value.HasField("not_before")):
        raise InputError("Nothing to change.", "Set priority, place or not_before.")


_MOST_FRAMES = 10**9
_PACKAGE = "answerprint.rpc.v1"

_word = _matching(_WORD, "a name", "tiny-x4")
_uuid = _matching(_UUID, "a UUID", "0b0e9c1e-6d2f-4b3e-9a51-3f5f0d6c7a21")
_reference = _matching(_REFERENCE, "a job's id or number", "3 or 7f3a")


def _of_setting(name: str, setting: Setting) -> FieldRule | None:
    """Numbers lie within their limits, texts are names. Parts of messages and maps have rules of their own."""
    if setting.minimum is not None and setting.maximum is not None:
        return _between(setting.minimum, setting.maximum)
    if FIELD_TYPES[name].removesuffix(" | None") != "str":
        return None
    return _shorter(16) if setting.free_text else _word


_VALUES: Mapping[str, FieldRule] = {
    "ClipRef.media": _path,
    "ClipRef.range_text": _shorter(64),
    "ClipRef.handle_before": _between(0, 10**6),
    "ClipRef.handle_after": _between(0, 10**6),
    "ClipRef.EditorEntry.value": _long_text,
    "ClipRef.deinterlace": _one_of(CLIP_WORDS["deinterlace"]),
    "ClipRef.telecine": _one_of(CLIP_WORDS["telecine"]),
    "ClipRef.start_timecode": _matching(_TIMECODE, "a timecode", "01:00:00:00"),
    "PictureSize.width": _between(1, 65536),
    "PictureSize.height": _between(1, 65536),
    **{f"Settings.{name}": rule for name, setting in SETTINGS.items() if (rule := _of_setting(name, setting))},
    "Deliverable.path": _path,
    "Deliverable.codec": _word,
    "RestoredPart.path": _path,
    "Preview.frame": _between(0, _MOST_FRAMES),
    "Preview.count": _between(1, 1000),
    "Preview.folder": _path,
    "SubmitJobRequest.id": _uuid,
    "SubmitJobRequest.after": _uuid,
    "SubmitJobRequest.priority": _between(-100, 100),
    "SubmitJobRequest.label": _shorter(256),
    "GetJobRequest.id": _reference,
    "JobId.id": _reference,
    "ListJobsRequest.states": _known,
    "ListJobsRequest.page_size": _between(0, 500),
    "ListJobsRequest.page_token": _shorter(256),
    "WatchJobRequest.id": _reference,
    "WatchJobRequest.after_sequence": _between(0, 2**63 - 1),
    "MoveJobRequest.id": _reference,
    "MoveJobRequest.priority": _between(-100, 100),
    "GetFrameRequest.job": _reference,
    "DescribeMediaRequest.media": _path,
    "GetFrameRequest.frame": _between(0, _MOST_FRAMES),
    "GetFrameRequest.max_width": _between(0, 65536),
    "GetFrameRequest.max_height": _between(0, 65536),
    "LoadModelRequest.model": _word,
    "LoadModelRequest.device": _word,
    "LoadModelRequest.keep_alive_seconds": _between(-(10**9), 10**9),
    "UnloadModelRequest.model": _word,
    "PullModelRequest.model": _word,
    "SuspendWorkRequest.reason": _shorter(256),
}

VALUE_RULES: Mapping[str, FieldRule] = MappingProxyType({f"{_PACKAGE}.{name}": rule for name, rule in _VALUES.items()})

MESSAGE_RULES: Mapping[str, FieldRule] = MappingProxyType(
    {
        f"{_PACKAGE}.Rational": _rational,
        f"{_PACKAGE}.FrameRange": _frame_range,
        f"{_PACKAGE}.ClipRef": _clip,
        f"{_PACKAGE}.Settings": _settings,
        f"{_PACKAGE}.MoveJobRequest": _move,
        "google.protobuf.Timestamp": _timestamp,
    }
)

REQUIRED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        f"{_PACKAGE}.{name}": fields
        for name, fields in {
            "SubmitJobRequest": ("id", "clip", "result"),
            "ClipRef": ("media",),
            "Deliverable": ("path",),
            "RestoredPart": ("path", "frames"),
            "Preview": ("folder",),
            "PictureSize": ("width", "height"),
            "GetJobRequest": ("id",),
            "JobId": ("id",),
            "WatchJobRequest": ("id",),
            "MoveJobRequest": ("id",),
            "GetFrameRequest": ("job",),
            "DescribeMediaRequest": ("media",),
            "LoadModelRequest": ("model",),
            "PullModelRequest": ("model",),
        }.items()
    }
)


_MOST_ENTRIES = 256  # of a map or a list


def parse(kind: type[Message], data: bytes) -> Message:
    """Parse and validate a request. Raises InputError."""
    message = kind()
    try:
        message.ParseFromString(data)
    except (DecodeError, RecursionError) as error:
        raise InputError(
            f"The request is not a valid {kind.DESCRIPTOR.name}.", "Use a client of this version."
        ) from error
    validate(message)
    return message


def validate(message: Message) -> None:
    """Raise InputError with the field for an invalid value, and for an unknown field."""
    _check_message(message, "")


def _check_message(message: Message, path: str) -> None:
    name = path or message.DESCRIPTOR.name
    unknown = UnknownFieldSet(message)
    if len(unknown):
        raise InputError(
            f"{name} has an unknown field {unknown[0].field_number}.",
            "The client is newer than the daemon: restart or update the daemon.",
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
            raise InputError(f"{path} has an entry without a name.", "Give it a name.")
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
            raise InputError(f"{path} is not a finite number.", "Give a finite number.")
    elif field.enum_type is not None and value not in field.enum_type.values_by_number:
        known = ", ".join(each.name for each in field.enum_type.values if each.number)
        raise InputError(f"{path} has the unknown value {value}.", f"Allowed values: {known}.")


def _is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and bool(field.message_type.GetOptions().map_entry)


def _is_set(message: Message, name: str) -> bool:
    """Whether a field, or any field of a oneof, is set."""
    if name in message.DESCRIPTOR.oneofs_by_name:
        return message.WhichOneof(name) is not None
    field = message.DESCRIPTOR.fields_by_name[name]
    return message.HasField(name) if field.has_presence else bool(getattr(message, name))
