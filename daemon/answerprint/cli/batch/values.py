"""Parse the settings of a restoration from the text of a command line or a job file."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType

from answerprint.api.clip_ref import CLIP_WORDS
from answerprint.api.request import FIELD_TYPES, SETTINGS
from answerprint.errors import InputError
from answerprint.frames.timecode import checked_label, plausible_rate
from answerprint.text import one_of

__all__ = [
    "SOURCE_OPTIONS",
    "SourceOption",
    "read_bool",
    "read_integer",
    "read_setting",
    "read_size",
    "read_source_option",
]


@dataclass(frozen=True, slots=True)
class SourceOption:
    """An option that says how a source is read. key: its name in a request's `interpret`."""

    key: str
    metavar: str
    """Empty: its choices are shown."""
    help: str
    choices: tuple[str, ...] = ()


SOURCE_OPTIONS: Mapping[str, SourceOption] = MappingProxyType(
    {
        "rate": SourceOption(
            "rate",
            "FPS",
            "frames per second, such as 25, 23.976 or 24000/1001 (default: the file's; 24 if it has none)",
        ),
        "timecode": SourceOption("start_timecode", "TC", "timecode of the first source frame (default: the file's)"),
        "levels": SourceOption(
            "levels", "", "levels of the source: video (legal) or full (default: as tagged)", ("video", "full")
        ),
        "fields": SourceOption(
            "fields",
            "",
            "auto looks at flags and pictures; progressive deinterlaces nothing; top and bottom deinterlace every "
            "frame, with that field first; per-frame deinterlaces the frames that are combed (default: auto)",
            CLIP_WORDS["fields"],
        ),
        "deinterlace": SourceOption(
            "deinterlace",
            "",
            "interlaced frames become one frame each (frame), or one for each field, at twice the rate (field) "
            "(default: frame)",
            CLIP_WORDS["deinterlace"],
        ),
        "telecine": SourceOption(
            "telecine",
            "",
            "film on video of 30 frames (3:2 pulldown): off keeps the number of frames; auto restores the film's own "
            "frames, four of five, if pulldown is found (default: off)",
            CLIP_WORDS["telecine"],
        ),
        "handles": SourceOption(
            "handles", "N", "restore N more frames before and after --range, if the source has them"
        ),
    }
)
"""The options of the command line and of job files, by name."""

_SIZE = re.compile(r"(\d{1,5})x(\d{1,5})")
_NOTHING = frozenset({"", "~", "null"})
_BOOLS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def read_setting(name: str, text: str) -> object:
    """Return the value of a setting; None for an empty or null text. Raises InputError."""
    kind = FIELD_TYPES[name]
    if kind.endswith("| None") and text in _NOTHING:
        return None
    setting = SETTINGS.get(name)
    if setting is not None and setting.choices and text not in setting.choices:
        raise InputError(f"{name} cannot be {text!r}.", f"Give {one_of(setting.choices)}.")
    read = _READERS.get(kind.removesuffix(" | None"))
    return text if read is None else read(name, text)


def read_source_option(name: str, text: str) -> tuple[str, str]:
    """Return key and value of `interpret`. Raises InputError."""
    if name == "rate":
        try:
            rate = Fraction(text) if "/" in text else plausible_rate(float(text))
        except (ValueError, ZeroDivisionError):
            rate = None
        if rate is None or not 1 <= rate <= 1000:
            remedy = "Give one from 1 to 1000, such as 25, 23.976 or 24000/1001."
            raise InputError(f"{text!r} is not a frame rate.", remedy)
        return name, str(rate)
    option = SOURCE_OPTIONS[name]
    if option.choices and text not in option.choices:
        raise InputError(f"{name} cannot be {text!r}.", f"Give {one_of(option.choices)}.")
    if name == "timecode":
        text = checked_label(text)
    return option.key, text


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
