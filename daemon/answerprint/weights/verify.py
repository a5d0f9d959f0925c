"""Verification before parsing: a model's files are read only if size, format and hash match its manifest."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from answerprint.errors import ModelError
from answerprint.weights.header import check_safetensors
from answerprint.weights.manifest import FileRecord, Manifest, read_manifest

__all__ = ["MAX_TEXT_BYTES", "PACKAGE_FOLDER", "VerifiedModel", "verify_model"]

PACKAGE_FOLDER = Path(__file__).parent
"""Folder of the embedded models."""

MAX_TEXT_BYTES = 4 * 1024 * 1024
"""Largest size of a file that is not weights; the largest vocabulary has a quarter of it."""


@dataclass(frozen=True, slots=True)
class VerifiedModel:
    """A model folder whose files match its manifest; created by `verify_model`.

    The only other creator is the check before a manifest exists, which reads headers only. Files that the manifest does
    not list cannot be accessed through it, so files added later are never read.
    """

    folder: Path
    manifest: Manifest

    def path(self, name: str) -> Path:
        """Path of the file `name`. Raises ModelError if the manifest does not list it."""
        if name not in {record.name for record in self.manifest.files}:
            raise ModelError(
                f"The model in {self.folder} has no file {name}.",
                f"Add the file, then write the manifest: python -m answerprint.weights.write_manifest {self.folder}",
            )
        return self.folder / name

    def read_json(self, name: str) -> dict[str, Any]:
        """The object in the JSON file `name`. Raises ModelError if there is none."""
        path = self.path(name)
        try:
            data = json.loads(path.read_bytes())
        except (OSError, ValueError, RecursionError) as error:
            raise ModelError(f"{path} is not valid JSON.", _remedy(self.folder)) from error
        if not isinstance(data, dict):
            raise ModelError(f"{path} does not contain a JSON object.", _remedy(self.folder))
        return data


def verify_model(folder: Path) -> VerifiedModel:
    """Check every file that the manifest of `folder` lists; other files are ignored.

    Raises ModelError naming the first file that is missing, changed or not readable. This protects against damage and
    against files replaced before the check, not against a program that replaces them after it.
    """
    manifest = read_manifest(folder)
    # Cheap checks of all files first: a missing file is reported before gigabytes are hashed.
    for record in manifest.files:
        _check_form(folder, record)
    for record in manifest.files:
        _check_hash(folder, record)
    return VerifiedModel(folder, manifest)


def _check_form(folder: Path, record: FileRecord) -> None:
    path = folder / record.name
    if not path.is_file():  # False also for devices and pipes, whose reading may never end
        raise ModelError(f"The model file {path} is missing.", _remedy(folder))
    try:
        size = path.stat().st_size
        if size != record.size:
            raise ValueError(f"it has {size} bytes instead of {record.size}")
        if path.suffix == ".safetensors":
            check_safetensors(path)
        elif size > MAX_TEXT_BYTES:
            raise ValueError(f"it has more than {MAX_TEXT_BYTES} bytes")
    except ValueError as error:
        raise ModelError(f"The model file {path} is damaged: {error}.", _remedy(folder)) from error
    except OSError as error:
        raise ModelError(f"Cannot read the model file {path}: {error.strerror}.", _remedy(folder)) from error


def _check_hash(folder: Path, record: FileRecord) -> None:
    path = folder / record.name
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"Cannot read the model file {path}: {error.strerror}.", _remedy(folder)) from error
    if found != record.sha256:
        raise ModelError(f"The model file {path} was changed: its sha256 does not match the manifest.", _remedy(folder))


def _remedy(folder: Path) -> str:
    if folder.parent == PACKAGE_FOLDER:
        return "Reinstall Answerprint."
    return (
        f"Download the file again. If you made the change, run: python -m answerprint.weights.write_manifest {folder}"
    )
