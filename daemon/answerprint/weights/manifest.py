"""Model manifests: family, licence and scale, and the size and hash of every file.

The manifest is the root of trust of its folder: files that it does not list are never read, and listed files are read
only after `verify` has checked their size and hash.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from answerprint.errors import ModelError

__all__ = ["MANIFEST", "READABLE", "FileRecord", "Manifest", "check_file_name", "check_model_name", "read_manifest"]

MANIFEST = "manifest.json"
SCHEMA_VERSION = 1
READABLE = (".json", ".safetensors", ".txt")
"""The only formats that are read; all are plain data (.txt is a tokenizer's merges).

Pickled formats (.bin, .ckpt, .pt, .pth) can run code."""

_MAX_BYTES = 256 * 1024
_MODEL_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_PART = r"[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,126}[A-Za-z0-9_-])?"
_FILE_NAME = re.compile(rf"(?:{_PART}/)?{_PART}")
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
"""Names reserved for devices on Windows, in any folder and with any suffix."""
_SHA256 = re.compile(r"[0-9a-f]{64}")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class FileRecord:
    """One file of a model."""

    name: str
    """File name, or folder and file name separated by a slash (diffusers pipelines: `unet/config.json`)."""
    size: int
    """Bytes."""
    sha256: str
    """Lower-case hexadecimal."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """Content of `manifest.json`."""

    name: str
    family: str
    """Folder of `answerprint.backends` that can load it."""
    version: str
    licence: str
    summary: str
    scale: int
    """Output pixels per input pixel, along each axis."""
    files: tuple[FileRecord, ...]
    notes: str = ""

    def to_json(self) -> bytes:
        """The file's content; deterministic."""
        text = json.dumps({"schema_version": SCHEMA_VERSION, **asdict(self)}, indent=2, ensure_ascii=False)
        return (text + "\n").encode()


def check_model_name(name: str) -> None:
    """Raise ModelError unless `name` is a valid folder name on every system."""
    if not _MODEL_NAME.fullmatch(name) or _DEVICES.fullmatch(name):
        raise ModelError(
            f"Invalid model name {name!r}.", "Use lower-case letters, digits, dots and dashes, at most 64."
        )


def check_file_name(name: str) -> None:
    """Raise ModelError unless `name` is inside the model's folder and has a readable format."""
    if not _FILE_NAME.fullmatch(name) or any(_DEVICES.fullmatch(part) for part in name.split("/")):
        raise ModelError(f"The manifest lists the file {name!r}, which could be outside the model's folder.", _REFUSED)
    if Path(name).suffix not in READABLE:
        raise ModelError(f"The manifest lists the file {name!r}; only {', '.join(READABLE)} are allowed.", _REFUSED)


_REFUSED = "Do not use this model; get it from a source you trust."


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of `folder`. Raises ModelError if it is missing, damaged or lists forbidden files."""
    path = folder / MANIFEST
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise ModelError(
            f"Cannot read {path}: {error.strerror}.",
            f"If the model's files are complete, write it with: python -m answerprint.weights.write_manifest {folder}",
        ) from error
    try:
        if len(data) > _MAX_BYTES:
            raise ValueError(f"it has more than {_MAX_BYTES} bytes")
        # Deep nesting raises RecursionError.
        return _parse(json.loads(data))
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path} is not a valid manifest: {error}.", "Download the model again.") from error


def _parse(data: object) -> Manifest:
    """Raises ValueError with a description, ModelError for forbidden names."""
    if not isinstance(data, dict):
        raise ValueError("it is not a JSON object")
    version = _field(data, "schema_version", int)
    if version != SCHEMA_VERSION:
        raise ValueError(f"its schema_version is {version}; this version supports {SCHEMA_VERSION}")
    files = tuple(_parse_file(row) for row in _field(data, "files", list))
    if not files:
        raise ValueError("it lists no files")
    # Case-insensitive: on Windows and macOS such names are the same file.
    if len({f.name.lower() for f in files}) != len(files):
        raise ValueError("it lists a file twice")
    scale = _field(data, "scale", int)
    if not 1 <= scale <= 16:
        raise ValueError(f"its scale is {scale}")
    text = {key: _field(data, key, str) for key in ("name", "family", "version", "licence", "summary")}
    check_model_name(text["name"])
    return Manifest(scale=scale, files=files, notes=str(data.get("notes", "")), **text)


def _parse_file(row: object) -> FileRecord:
    if not isinstance(row, dict):
        raise ValueError("one of its files is not a JSON object")
    record = FileRecord(_field(row, "name", str), _field(row, "size", int), _field(row, "sha256", str))
    check_file_name(record.name)
    if record.size < 0:
        raise ValueError(f"the size of {record.name} is negative")
    if not _SHA256.fullmatch(record.sha256):
        raise ValueError(f"the sha256 of {record.name} is not 64 hexadecimal digits")
    return record


def _field(data: Mapping[str, Any], key: str, kind: type[_T]) -> _T:
    value = data.get(key)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise ValueError(f"{key} is missing or not a {kind.__name__}")
    return value
