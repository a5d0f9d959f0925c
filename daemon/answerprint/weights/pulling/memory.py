"""What is remembered of a known model beside its folder: the licence that was accepted, and hashes seen first here.

It stays when the model is removed: a file whose hash nobody published is then still held to what it was.
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
    """A file as it was when it was first fetched. size: bytes; sha256: lower-case hexadecimal."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class PullRecord:
    """Of one model. licence: the hash of the licence's words that were accepted, empty for none."""

    licence: str = ""
    pins: dict[str, Pin] = field(default_factory=dict)


def read_memory(models: Path, name: str) -> PullRecord:
    """What is remembered of the model `name`. Raises ModelError for a record that cannot be read: never forgotten."""
    path = _path(models, name)
    try:
        with path.open("rb") as file:
            data = json.loads(file.read(_MOST_BYTES))
        pins = {str(key): Pin(int(row["size"]), str(row["sha256"])) for key, row in data["pins"].items()}
        if not all(_SHA256.fullmatch(each.sha256) for each in pins.values()):
            raise ValueError("a hash is none")
        return PullRecord(str(data["licence"]), pins)
    except FileNotFoundError:
        return PullRecord()
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelError(
            f"{path} cannot be read.", "Remove it to accept the licence anew and to trust the next download anew."
        ) from error


def has_accepted(models: Path, model: KnownModel) -> bool:
    """Whether the licence was accepted in the words it has now."""
    return read_memory(models, model.name).licence == _digest(model.licence)


def accept(models: Path, model: KnownModel) -> None:
    """Keep that the user accepted the licence. Raises StorageError."""
    _write(models, model.name, replace(read_memory(models, model.name), licence=_digest(model.licence)))


def pin(models: Path, model: str, file: str, found: Pin) -> None:
    """Keep what a file was when it was first fetched; a pin that is there already stays. Raises StorageError."""
    memory = read_memory(models, model)
    _write(models, model, replace(memory, pins={file: found, **memory.pins}))


def unpin(models: Path, model: str, files: Iterable[str]) -> None:
    """Forget what files were, for they turned out not to be the model's. Raises StorageError."""
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
