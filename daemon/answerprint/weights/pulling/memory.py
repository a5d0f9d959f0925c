"""Records of a known model, kept outside its folder: the accepted licence, and hashes of first downloads.

They survive the removal of the model, so a file without a published hash must still match its first download.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from answerprint.errors import ModelError
from answerprint.store.atomic import write_bytes
from answerprint.store.quota import storage_error
from answerprint.weights.manifest import check_model_name
from answerprint.weights.published_models import KnownModel, Licence

__all__ = ["Pin", "PullRecord", "accept", "has_accepted", "pin", "read_memory", "unpin"]

_FOLDER = ".remembered"
_MOST_BYTES = 256 * 1024
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Pin:
    """Size and hash of a file's first download. size: bytes; sha256: lower-case hexadecimal."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class PullRecord:
    """Record of one model. licence: hash of the accepted licence's data, empty for none."""

    licence: str = ""
    pins: dict[str, Pin] = field(default_factory=dict)


def read_memory(models: Path, name: str) -> PullRecord:
    """The record of the model `name`. Raises ModelError if it cannot be read: it is never silently dropped."""
    path = _path(models, name)
    try:
        with path.open("rb") as file:
            data = json.loads(file.read(_MOST_BYTES))
        pins = {str(key): Pin(int(row["size"]), str(row["sha256"])) for key, row in data["pins"].items()}
        if not all(_SHA256.fullmatch(each.sha256) for each in pins.values()):
            raise ValueError("a hash is invalid")
        return PullRecord(str(data["licence"]), pins)
    except FileNotFoundError:
        return PullRecord()
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelError(
            f"Cannot read {path}.", "Remove it to accept the licence and trust the next download again."
        ) from error


def has_accepted(models: Path, model: KnownModel) -> bool:
    """Whether the current licence was accepted."""
    return read_memory(models, model.name).licence == _digest(model.licence)


def accept(models: Path, model: KnownModel) -> None:
    """Record that the user accepted the licence. Raises StorageError."""
    _write(models, model.name, replace(read_memory(models, model.name), licence=_digest(model.licence)))


def pin(models: Path, model: str, file: str, found: Pin) -> None:
    """Record size and hash of a file's first download; an existing pin is kept. Raises StorageError."""
    memory = read_memory(models, model)
    _write(models, model, replace(memory, pins={file: found, **memory.pins}))


def unpin(models: Path, model: str, files: Iterable[str]) -> None:
    """Remove the pins of files that turned out not to belong to the model. Raises StorageError."""
    memory, gone = read_memory(models, model), set(files)
    _write(models, model, replace(memory, pins={name: pin for name, pin in memory.pins.items() if name not in gone}))


def _write(models: Path, name: str, memory: PullRecord) -> None:
    path = _path(models, name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, json.dumps(asdict(memory), indent=1).encode(), overwrite=True)
    except OSError as error:
        raise storage_error(error, path) from error


def _path(models: Path, name: str) -> Path:
    check_model_name(name)
    return models / _FOLDER / f"{name}.json"


def _digest(licence: Licence) -> str:
    return hashlib.sha256(json.dumps(asdict(licence), sort_keys=True).encode()).hexdigest()
