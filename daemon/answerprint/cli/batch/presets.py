"""Presets: settings of a restoration under one name, each a YAML file that can be given to others.

The user's own are in the folder `presets` of the program; a few come with it. A preset of the user's takes the place of
one of the same name that came with the program.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

import answerprint
from answerprint.api.request import RestoreRequest
from answerprint.cli.batch.draft import Mistakes
from answerprint.cli.batch.job_file import read_settings
from answerprint.errors import InputError
from answerprint.home import presets_folder
from answerprint.store import atomic
from answerprint.text import nearest

__all__ = ["Preset", "all_presets", "find_preset", "remove_preset", "save_preset"]

_SHIPPED = Path(answerprint.__file__).parent / "presets"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _-]{0,63}")
_SUFFIX = ".yaml"


@dataclass(frozen=True, slots=True)
class Preset:
    """Settings under a name. settings: fields of a RestoreRequest. own: the user's, not one of the program's."""

    name: str
    description: str
    settings: Mapping[str, Any]
    file: Path
    own: bool


def find_preset(name: str, folder: Path | None = None) -> Preset:
    """Return the preset of that name, or of that file. folder: of relative files, by default the current one.

    Raises InputError if there is none, or it has a mistake.
    """
    if name.endswith((_SUFFIX, ".yml")) or "/" in name or "\\" in name:
        file = (folder or Path.cwd()) / Path(name).expanduser()
        return _read(file, own=True)
    for place in (presets_folder(), _SHIPPED):
        file = place / f"{name}{_SUFFIX}"
        if _NAME.fullmatch(name) and file.is_file():
            return _read(file, own=place != _SHIPPED)
    names = [file.stem for file in _files()]
    near = nearest(name, names)
    raise InputError(
        f"There is no preset {name!r}.", f"Did you mean {near}?" if near else f"Presets: {', '.join(names) or 'none'}."
    )


def all_presets() -> Iterator[Preset | InputError]:
    """Yield every preset by name, and the mistake of each that cannot be read."""
    for file in _files():
        try:
            yield _read(file, own=file.parent != _SHIPPED)
        except InputError as error:
            yield error


def save_preset(name: str, description: str, shared: Preset | Mapping[str, Any], *, overwrite: bool) -> Path:
    """Write a preset of the user's; returns its file.

    shared: a preset whose file is copied, or settings as a job file writes them. Raises InputError.
    """
    if not _NAME.fullmatch(name):
        raise InputError(f"{name!r} cannot be the name of a preset.", "Use up to 64 letters, digits, spaces, _ and -.")
    file = presets_folder() / f"{name}{_SUFFIX}"
    try:
        if isinstance(shared, Preset):
            data = shared.file.read_bytes()
        else:
            settings = {**({"description": description} if description else {}), **shared}
            data = yaml.safe_dump(settings, sort_keys=False, allow_unicode=True).encode()
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        atomic.write_bytes(file, data, overwrite=overwrite)
    except FileExistsError:
        raise InputError(f"The preset {name} exists already.", "Give --overwrite to replace it.") from None
    except OSError as error:
        raise InputError(f"{file} cannot be written ({error.strerror}).", "Check the folder and the disk.") from error
    return file


def remove_preset(name: str) -> Path:
    """Delete a preset of the user's; returns its file. Raises InputError."""
    preset = find_preset(name)
    if not preset.own:
        raise InputError(f"The preset {name} came with the program.", "A preset of your own of that name replaces it.")
    if preset.file.parent != presets_folder():
        raise InputError(f"{preset.file} is not in {presets_folder()}.", "Give the name of a preset, not a file.")
    try:
        preset.file.unlink()
    except OSError as error:
        raise InputError(f"{preset.file} cannot be deleted ({error.strerror}).", "Check the folder.") from error
    return preset.file


def _files() -> list[Path]:
    """One file for each name, in the order of the names."""
    found: dict[str, Path] = {}
    for place in (_SHIPPED, presets_folder()):
        if place.is_dir():
            found |= {
                file.stem: file for file in place.iterdir() if file.suffix == _SUFFIX and _NAME.fullmatch(file.stem)
            }
    return [found[name] for name in sorted(found)]


def _read(file: Path, *, own: bool) -> Preset:
    mistakes = Mistakes()
    values = read_settings(file, mistakes)
    for mistake in mistakes.found:
        raise InputError(f"{mistake.place}: {mistake.message}", mistake.remedy)
    description = str(values.pop("description", ""))
    try:
        RestoreRequest.from_json({"input": "/source", "output": "/output", **values})
    except InputError as error:
        raise InputError(f"{file}: {error.message}", error.remedy) from error
    return Preset(file.stem, description, values, file, own)
