"""Verification before parsing: a model's files are read only when size, form and hash are as its manifest says."""

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
"""The models that ship with the package lie here."""

MAX_TEXT_BYTES = 4 * 1024 * 1024
"""Of a file that is not weights: the largest vocabulary has a quarter of it."""


@dataclass(frozen=True, slots=True)
class VerifiedModel:
    """A model folder whose files were found to be as its manifest says; made by `verify`.

    The one other maker is the check that comes before there is a manifest, and reads nothing but headers. What the
    manifest does not name cannot be reached through it, so a file put into the folder later is never read.
    """

    folder: Path
    manifest: Manifest

    def path(self, name: str) -> Path:
        """Where the file `name` of the manifest lies; raises ModelError when the manifest does not name it."""
        if name not in {record.name for record in self.manifest.files}:
            raise ModelError(
                f"There is no file {name} among those of the model in {self.folder}.",
                f"Put the file in place, then write the manifest: "
                f"python -m answerprint.weights.write_manifest {self.folder}",
            )
        return self.folder / name

    def read_json(self, name: str) -> dict[str, Any]:
        """The object in the JSON file `name`; raises ModelError when there is none."""
        path = self.path(name)
        try:
            data = json.loads(path.read_bytes())
        except (OSError, ValueError, RecursionError) as error:
            raise ModelError(f"{path} cannot be read as JSON.", _remedy(self.folder)) from error
        if not isinstance(data, dict):
            raise ModelError(f"{path} does not hold a JSON object.", _remedy(self.folder))
        return data


def verify_model(folder: Path) -> VerifiedModel:
    """Check every file that the manifest of `folder` names; other files are ignored.

    Raises ModelError that names the first file found missing, altered or of a form that is not read. It guards against
    damage and against files that were swapped before the check, not against a program that swaps them after it.
    """
    manifest = read_manifest(folder)
    # Cheap checks of all files come first: a missing file is reported before gigabytes are hashed.
    for record in manifest.files:
        _check_form(folder, record)
    for record in manifest.files:
        _check_hash(folder, record)
    return VerifiedModel(folder, manifest)


def _check_form(folder: Path, record: FileRecord) -> None:
    path = folder / record.name
    if not path.is_file():  # false for devices and pipes too, which could be read for ever
        raise ModelError(f"The model file {path} is missing.", _remedy(folder))
    try:
        size = path.stat().st_size
        if size != record.size:
            raise ValueError(f"it has {size} bytes and should have {record.size}")
        if path.suffix == ".safetensors":
            check_safetensors(path)
        elif size > MAX_TEXT_BYTES:
            raise ValueError(f"it has more than {MAX_TEXT_BYTES} bytes")
    except ValueError as error:
        raise ModelError(f"The model file {path} is damaged: {error}.", _remedy(folder)) from error
    except OSError as error:
        raise ModelError(f"The model file {path} cannot be read: {error.strerror}.", _remedy(folder)) from error


def _check_hash(folder: Path, record: FileRecord) -> None:
    path = folder / record.name
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"The model file {path} cannot be read: {error.strerror}.", _remedy(folder)) from error
    if found != record.sha256:
        raise ModelError(f"The model file {path} was altered: its sha256 is not the manifest's.", _remedy(folder))


def _remedy(folder: Path) -> str:
    if folder.parent == PACKAGE_FOLDER:
        return "Install Answerprint again."
    return f"Get the file anew; if the change is yours, run: python -m answerprint.weights.write_manifest {folder}"
