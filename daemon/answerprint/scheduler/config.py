"""The daemon's settings: one dataclass, read once from `config.toml` and from ANSWERPRINT_* variables."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Any

from answerprint.errors import InputError
from answerprint.home import config_file, home, scratch_folder
from answerprint.settings_file import read_settings_file
from answerprint.store.shared_scratch import own_scratch

__all__ = ["Config", "load_config"]

_PREFIX = "ANSWERPRINT_"
_SIZES = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
_SPANS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_RIGHT: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "_seconds": (
            "must be a span of time",
            'Give seconds, such as 90, or a span, such as "90s", "10m", "2h" or "1d".',
        ),
        "_bytes": ("must be a size", 'Give bytes, or a size such as "500M", "8G" or "1.5T".'),
        "": ("must be a whole number", "Give one, such as 4."),
    }
)
"""By the ending of a setting's name: what it must be, and how that is written."""


@dataclass(frozen=True, slots=True)
class Config:
    """Every setting, its default, and what it does. In the file, sizes may be written "8G" and spans "5m"."""

    keep_alive_seconds: float = 300.0
    """How long an unused model stays in memory: 0 not at all, below 0 for ever."""
    memory_cap_bytes: int = 0
    """Most that warm models may take together; 0 sets no cap."""
    memory_reserve_bytes: int = 0
    """Memory of the device that is left to others: warm models are freed when less is free."""
    threads: int = 0
    """How many of the processor's cores a worker computes with; 0 is all. Fewer leave some to the editor at work."""
    scratch: str = ""
    """Folder for finished chunks of jobs that are not done; empty: `scratch` in the program's own folder."""
    hang_seconds: float = 900.0
    """A worker that says nothing for so long while it works is taken for hung."""
    chunk_attempts: int = 3
    """A chunk in which a worker is lost so many times fails its job."""
    on_failure: str = "go-on"
    """After a failed job the queue goes on ("go-on") or waits for the user ("hold")."""
    history_seconds: float = 90 * 86400.0
    """How long ended jobs stay in the list, counted in days on which jobs ended; 0 is for ever. Failed ones with
    finished chunks stay until they are deleted."""
    history_jobs: int = 10_000
    """How many ended jobs stay in the list at most; 0 is all."""
    stop_seconds: float = 8.0
    """How long a worker may take to give up its chunk when the daemon ends."""
    disk_poll_seconds: float = 5.0
    """How often the disk is looked at while a job waits for room."""
    idle_worker_seconds: float = 900.0
    """A child without work, and without a model in memory, ends after so long."""
    log_bytes: int = 4 * 2**20
    """Size at which the log begins anew."""
    log_files: int = 5
    """Logs that are kept."""

    def __post_init__(self) -> None:
        """Check ranges. Raises InputError naming the setting."""
        _check(self.on_failure in ("go-on", "hold"), "on_failure", '"go-on" or "hold"')
        _check(not self.scratch or Path(self.scratch).is_absolute(), "scratch", "an absolute path")
        _check(self.chunk_attempts >= 1, "chunk_attempts", "1 or more")
        for name in ("hang_seconds", "stop_seconds", "disk_poll_seconds", "idle_worker_seconds"):
            _check(getattr(self, name) > 0, name, "above 0")
        for name in (
            "memory_cap_bytes",
            "memory_reserve_bytes",
            "threads",
            "history_seconds",
            "history_jobs",
            "log_bytes",
            "log_files",
        ):
            _check(getattr(self, name) >= 0, name, "0 or more")

    @property
    def scratch_folder(self) -> Path:
        """Where chunks lie: in a folder that others may use too, the part that is this home's."""
        return own_scratch(Path(self.scratch), home()) if self.scratch else scratch_folder()


def load_config(path: Path | None = None, environ: Mapping[str, str] | None = None) -> Config:
    """Read the file, if there is one, and the variables over it.

    Raises InputError for what is not a setting: with the file and the line, or the variable, and with what is right.
    """
    file = read_settings_file(config_file() if path is None else path)
    environ = os.environ if environ is None else environ
    values = dict(file.values)
    values.pop("models", None)  # a table of its own, see `models.settings`
    known = {field.name: str(field.type) for field in fields(Config)}
    for name in values:
        if name not in known:
            raise InputError(f"{file.place(name)}: there is no setting {name!r}.", _like(name, known))
    places = {name: file.place(name) for name in values}
    for name in known:
        text = environ.get(_PREFIX + name.upper())
        if text:
            values[name], places[name] = text, f"{_PREFIX}{name.upper()} in the environment"
    try:
        checked: dict[str, Any] = {name: _value(name, known[name], value) for name, value in values.items()}
        return Config(**checked)
    except _SettingError as error:
        raise InputError(
            f"{places[error.name]}: {error.name} {error.what}, and is {values[error.name]!r}.", error.remedy
        ) from error


class _SettingError(InputError):
    """A setting that cannot be meant. what: about it, such as `must be 0 or more`."""

    def __init__(self, name: str, what: str, remedy: str) -> None:
        super().__init__(f"The setting {name} {what}.", remedy)
        self.name, self.what = name, what


def _like(name: str, known: Mapping[str, str]) -> str:
    near = get_close_matches(name, known, 1)
    return f"{f'Do you mean {near[0]}? ' if near else ''}Settings: {', '.join(sorted(known))}."


def _value(name: str, kind: str, value: object) -> object:
    """A setting from TOML or text; sizes and spans may have a unit."""
    if kind == "str":
        if not isinstance(value, str):
            raise _SettingError(name, "must be a text", f'Write it in quotes, such as {name} = "{value}".')
        return value
    wrong = _SettingError(name, *_RIGHT[_sort(name)])
    if isinstance(value, bool):
        raise wrong
    text = str(value).strip().lower()
    units = {"_seconds": _SPANS, "_bytes": _SIZES}.get(_sort(name), {"": 1})
    unit = next((unit for unit in units if unit and text.removesuffix("b").endswith(unit)), "")
    digits = text.removesuffix("b").removesuffix(unit) if unit else text
    try:
        number = float(digits) * units[unit]
    except ValueError as error:
        raise wrong from error
    if number != number or abs(number) > 2**62 or (kind == "int" and number != int(number)):
        raise wrong
    return int(number) if kind == "int" else number


def _sort(name: str) -> str:
    return next((ending for ending in ("_seconds", "_bytes") if name.endswith(ending)), "")


def _check(holds: bool, name: str, valid: str) -> None:
    if not holds:
        raise _SettingError(name, f"must be {valid}", "Correct it, or remove the line.")
