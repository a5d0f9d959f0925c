"""Parse the settings of a restoration from the text of a command line or a job file."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from answerprint.api.request import FIELD_TYPES
from answerprint.errors import InputError

__all__ = ["read_bool", "read_integer", "read_setting", "read_size"]

_SIZE = re.compile(r"(\d{1,5})x(\d{1,5})")
_NOTHING = frozenset({"", "~", "null"})
_BOOLS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def read_setting(name: str, text: str) -> object:
    """Return the value of a setting; None for an empty or null text. Raises InputError."""
    kind = FIELD_TYPES[name]
    if kind.endswith("| None") and text in _NOTHING:
        return None
    read = _READERS.get(kind.removesuffix(" | None"))
    return text if read is None else read(name, text)


def read_size(text: str) -> tuple[int, int]:
    """Return width and height in px. Raises InputError."""
    match = _SIZE.fullmatch(text)
    if match is None:
        raise InputError(f"{text!r} is not a size.", "Give WIDTHxHEIGHT in pixels, such as 1920x1080.")
    return int(match[1]), int(match[2])


def read_integer(name: str, text: str) -> int:
    """Return a whole number. Raises InputError."""
    try:
        return int(text)
    except ValueError as error:
        raise InputError(f"{name} cannot be {text!r}.", "Give a whole number.") from error


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise InputError(f"{name} cannot be {text!r}.", "Give a number.") from error


def read_bool(name: str, text: str) -> bool:
    """Return whether it is so. Raises InputError."""
    if text.lower() not in _BOOLS:
        raise InputError(f"{name} cannot be {text!r}.", "Give true or false.")
    return _BOOLS[text.lower()]


_READERS: Mapping[str, Callable[[str, str], object]] = MappingProxyType(
    {
        "int": read_integer,
        "float": _number,
        "bool": read_bool,
        "tuple[int, int]": lambda name, text: read_size(text),
    }
)
