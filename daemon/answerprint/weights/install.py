"""A finished folder takes its place among the user's models: whole, verified, or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from answerprint.errors import JobFailedError
from answerprint.store.atomic import temporary_folder_beside
from answerprint.store.lock import HeldError, InstanceLock
from answerprint.store.quota import storage_error
from answerprint.weights.manifest import MANIFEST, Manifest, check_model_name
from answerprint.weights.verify import verify_model
from answerprint.weights.write_manifest import seal

__all__ = ["BusyShelfError", "alone", "install_model", "partial_folder"]

_PARTIAL = ".partial"


class BusyShelfError(JobFailedError):
    """Another process brings or removes the same model."""

    code = "busy_shelf"


def partial_folder(models: Path, name: str) -> Path:
    """Where the files of a model gather until they are complete."""
    check_model_name(name)
    return models / _PARTIAL / name


@contextmanager
def alone(models: Path, name: str) -> Iterator[None]:
    """Hold a model's place for the block. Raises BusyShelfError when another process does, and StorageError."""
    folder = partial_folder(models, name)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(error, folder.parent) from error
    try:
        lock = InstanceLock(folder.with_name(f"{name}.lock"))
    except HeldError as error:
        who = "Another process" if error.pid is None else f"Process {error.pid}"
        raise BusyShelfError(
            f"{who} is bringing or removing the model {name!r} now.", "Wait for it, or end it."
        ) from error
    with lock:
        yield


def install_model(gathered: Path, final: Path, said: Manifest) -> Manifest:
    """Seal a folder of files that are all wanted, verify it, and give it its final name; returns its manifest.

    What was there under that name goes only once the new folder has it. Raises ModelError and StorageError.
    """
    sealed = seal(gathered, said)
    try:
        _leave_only(gathered, {MANIFEST, *(record.name for record in sealed.files)})
        verify_model(gathered)
        _sync(gathered)
        _take_place(gathered, final)
    except OSError as error:
        raise storage_error(error, final) from error
    return sealed


def _leave_only(folder: Path, names: set[str]) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not path.is_symlink():
            with suppress(OSError):  # not empty
                path.rmdir()
        elif path.relative_to(folder).as_posix() not in names:
            path.unlink()


def _take_place(gathered: Path, final: Path) -> None:
    old: Path | None = None
    if os.path.lexists(final):
        old = temporary_folder_beside(final) / "old"
        final.rename(old)
    try:
        gathered.rename(final)
    except OSError:
        if old is not None:
            old.rename(final)
            old.parent.rmdir()
        raise
    _sync_one(final.parent)
    if old is not None:
        shutil.rmtree(old.parent, ignore_errors=True)


def _sync(folder: Path) -> None:
    for path in (*folder.rglob("*"), folder):
        _sync_one(path)


def _sync_one(path: Path) -> None:
    if os.name == "nt" and path.is_dir():
        return  # Windows cannot open a folder; its file system journals renames
    descriptor = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
