"""The daemon's settings, read once from `config.toml` and from ANSWERPRINT_* variables."""

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
_DURATIONS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_EXPECTED: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "_seconds": (
            "must be a duration",
            'Give seconds, such as 90, or a duration such as "90s", "10m", "2h" or "1d".',
        ),
        "_bytes": ("must be a size", 'Give bytes, or a size such as "500M", "8G" or "1.5T".'),
        "": ("must be a whole number", "Give one, such as 4."),
    }
)
"""By the suffix of a setting's name: what it must be, and how to write it."""


@dataclass(frozen=True, slots=True)
class Config:
    """Every setting and its default. In the file, sizes may be written as "8G" and durations as "5m"."""

    keep_alive_seconds: float = 300.0
    """How long an unused model stays in memory; 0 is not at all, negative is forever."""
    memory_cap_bytes: int = 0
    """The most memory that all loaded models may use; 0 is no limit."""
    memory_reserve_bytes: int = 0
    """Device memory to leave free for other programs: idle models are unloaded when less is free."""
    threads: int = 0
    """CPU cores that a worker uses; 0 is all. Fewer leave some for editing."""
    frame_cache_bytes: int = 8 * 2**30
    """The most disk space for restored frames that the OpenFX node shows; 0 keeps none, and the node shows none."""
    scratch: str = ""
    """Folder for finished chunks of unfinished jobs; empty is `scratch` in the program's folder."""
    hang_seconds: float = 900.0
    """A busy worker that sends nothing for this long is killed as hung."""
    chunk_attempts: int = 3
    """A job fails when its worker has crashed this many times in the same chunk."""
    on_failure: str = "go-on"
    """After a failed job, the queue continues ("go-on") or is suspended ("hold")."""
    history_seconds: float = 90 * 86400.0
    """How long ended jobs stay in the list, counted in days on which jobs ended; 0 is forever. Failed jobs with
    finished chunks stay until they are deleted."""
    history_jobs: int = 10_000
    """The most ended jobs that stay in the list; 0 is no limit."""
    stop_seconds: float = 8.0
    """How long a worker may take to abandon its chunk when the daemon stops."""
    disk_poll_seconds: float = 5.0
    """How often disk space is checked while a job waits for it."""
    idle_worker_seconds: float = 900.0
    """A child process without work and without a loaded model ends after this long."""
    log_bytes: int = 4 * 2**20
    """Size at which a new log file begins."""
    log_files: int = 5
    """How many old log files are kept."""

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
            "frame_cache_bytes",
            "threads",
            "history_seconds",
            "history_jobs",
            "log_bytes",
            "log_files",
        ):
            _check(getattr(self, name) >= 0, name, "0 or more")

    @property
    def scratch_folder(self) -> Path:
        """Where chunks are kept: this home's own part of a folder that may be shared."""
        return own_scratch(Path(self.scratch), home()) if self.scratch else scratch_folder()


def load_config(path: Path | None = None, environ: Mapping[str, str] | None = None) -> Config:
    """Read the file, if it exists, and the variables, which override it.

    Raises InputError for an unknown or invalid setting, with its file and line or its variable.
    """
    file = read_settings_file(config_file() if path is None else path)
    environ = os.environ if environ is None else environ
    values = dict(file.values)
    values.pop("models", None)  # a table of its own, see `weights.settings`
    known = {field.name: str(field.type) for field in fields(Config)}
    for name in values:
        if name not in known:
            raise InputError(f"{file.place(name)}: unknown setting {name!r}.", _suggestion(name, known))
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
            f"{places[error.name]}: {error.name} {error.what}, not {values[error.name]!r}.", error.remedy
        ) from error


class _SettingError(InputError):
    """An invalid value. what: what it must be, such as `must be 0 or more`."""

    def __init__(self, name: str, what: str, remedy: str) -> None:
        super().__init__(f"The setting {name} {what}.", remedy)
        self.name, self.what = name, what


def _suggestion(name: str, known: Mapping[str, str]) -> str:
    near = get_close_matches(name, known, 1)
    return f"{f'Did you mean {near[0]}? ' if near else ''}Settings: {', '.join(sorted(known))}."


def _value(name: str, kind: str, value: object) -> object:
    """A setting from TOML or text; sizes and durations may have a unit."""
    if kind == "str":
        if not isinstance(value, str):
            raise _SettingError(name, "must be text", f'Write it in quotes, such as {name} = "{value}".')
        return value
    wrong = _SettingError(name, *_EXPECTED[_suffix(name)])
    if isinstance(value, bool):
        raise wrong
    text = str(value).strip().lower()
    units = {"_seconds": _DURATIONS, "_bytes": _SIZES}.get(_suffix(name), {"": 1})
    unit = next((unit for unit in units if unit and text.removesuffix("b").endswith(unit)), "")
    digits = text.removesuffix("b").removesuffix(unit) if unit else text
    try:
        number = float(digits) * units[unit]
    except ValueError as error:
        raise wrong from error
    if number != number or abs(number) > 2**62 or (kind == "int" and number != int(number)):
        raise wrong
    return int(number) if kind == "int" else number


def _suffix(name: str) -> str:
    return next((ending for ending in ("_seconds", "_bytes") if name.endswith(ending)), "")


def _check(holds: bool, name: str, valid: str) -> None:
    if not holds:
        raise _SettingError(name, f"must be {valid}", "Correct it, or remove the line.")
