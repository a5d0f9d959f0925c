"""Model settings: the table `[models]` of config.toml, and environment variables that override it.

[models]
shelves = ["/studio/models"]            ANSWERPRINT_SHELVES=/studio/models (several: as in PATH)
mirror = "https://mirror.studio/models" ANSWERPRINT_MIRROR
proxy = "http://proxy.studio:3128"      ANSWERPRINT_PROXY, else the system's (HTTPS_PROXY, NO_PROXY)
offline = true                          ANSWERPRINT_OFFLINE=1
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from answerprint.errors import InputError
from answerprint.home import config_file
from answerprint.settings_file import SettingsFile, read_settings_file

__all__ = ["ModelSettings", "load_model_settings"]

_REMEDIES = {
    "shelves": 'Use a list of folders, such as ["/studio/models"].',
    "mirror": 'Use a URL in quotes, such as "https://mirror.studio/models".',
    "proxy": 'Use a URL in quotes, such as "http://proxy.studio:3128".',
    "offline": "Use true or false.",
}
_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """Model settings and their defaults."""

    shelves: tuple[Path, ...] = ()
    """Shared, read-only model folders; searched after the user's own."""
    mirror: str = ""
    """Base URL of a mirror with files at MIRROR/NAME/FILE; tried before the published sources."""
    proxy: str = ""
    """URL of a proxy for https; empty uses the system's."""
    offline: bool = False
    """Never download anything."""


def load_model_settings(path: Path | None = None, environ: Mapping[str, str] | None = None) -> ModelSettings:
    """Read the table, overridden by the variables. Raises InputError for unknown settings and invalid values."""
    path = config_file() if path is None else path
    environ = os.environ if environ is None else environ
    file = read_settings_file(path)
    table = _table(file)
    readers: Mapping[str, Callable[[str], Any]] = {
        "mirror": str, "proxy": str, "offline": _switch, "shelves": _folders,
    }  # fmt: skip
    for name, read in readers.items():
        if text := environ.get(f"ANSWERPRINT_{name.upper()}"):
            table[name] = read(text)
    shelves = tuple(Path(each) for each in table.get("shelves", ()))
    if not all(each.is_absolute() for each in shelves):
        raise InputError(
            f"{file.place('shelves', 'models')}: models.shelves must be absolute paths.",
            'For example: shelves = ["/studio/models"].',
        )
    return ModelSettings(shelves, table.get("mirror", ""), table.get("proxy", ""), table.get("offline", False))


def _table(file: SettingsFile) -> dict[str, Any]:
    table = file.values.get("models", {})
    kinds: dict[str, type] = {"shelves": list, "mirror": str, "proxy": str, "offline": bool}
    if not isinstance(table, dict):
        raise InputError(f"{file.place('models')}: models must be a table.", "Start it with a line [models].")
    table = dict(table)
    for name, value in table.items():
        if name not in kinds:
            raise InputError(
                f"{file.place(name, 'models')}: unknown setting models.{name}.", f"Settings: {', '.join(kinds)}."
            )
        texts = not isinstance(value, list) or all(isinstance(each, str) for each in value)
        if not isinstance(value, kinds[name]) or not texts:
            raise InputError(
                f"{file.place(name, 'models')}: invalid value {value!r} for models.{name}.", _REMEDIES[name]
            )
    return table


def _switch(text: str) -> bool:
    if text.lower() in _TRUE | _FALSE:
        return text.lower() in _TRUE
    raise InputError(f"Invalid value {text!r} for ANSWERPRINT_OFFLINE.", "Set it to 1 or 0.")


def _folders(text: str) -> list[str]:
    return [each for each in text.split(os.pathsep) if each]
