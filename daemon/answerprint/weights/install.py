"""Install a complete model folder among the user's models, atomically and verified."""

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
from answerprint.weights.write_manifest import write_manifest

__all__ = ["ModelBusyError", "install_model", "lock_model", "partial_folder"]

_PARTIAL = ".partial"


class ModelBusyError(JobFailedError):
    """Another process is installing or removing the same model."""

    code = "busy_shelf"


def partial_folder(models: Path, name: str) -> Path:
    """The folder that collects a model's files until they are complete."""
    check_model_name(name)
    return models / _PARTIAL / name


@contextmanager
def lock_model(models: Path, name: str) -> Iterator[None]:
    """Lock a model's folder for the block. Raises ModelBusyError if another process holds it, and StorageError."""
    folder = partial_folder(models, name)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(error, folder.parent) from error
    try:
        lock = InstanceLock(folder.with_name(f"{name}.lock"))
    except HeldError as error:
        who = "Another process" if error.pid is None else f"Process {error.pid}"
        raise ModelBusyError(
            f"{who} is installing or removing the model {name!r}.", "Wait until it has finished, or stop it."
        ) from error
    with lock:
        yield


def install_model(gathered: Path, final: Path, described: Manifest) -> Manifest:
    """Write the manifest of a folder, verify it, and move it to its final name; returns the manifest.

    An existing folder of that name is removed only after the new one is in place. Raises ModelError and StorageError.
    """
    manifest = write_manifest(gathered, described)
    try:
        _remove_others(gathered, {MANIFEST, *(record.name for record in manifest.files)})
        verify_model(gathered)
        _sync(gathered)
        _replace(gathered, final)
    except OSError as error:
        raise storage_error(error, final) from error
    return manifest


def _remove_others(folder: Path, names: set[str]) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not path.is_symlink():
            with suppress(OSError):  # not empty
                path.rmdir()
        elif path.relative_to(folder).as_posix() not in names:
            path.unlink()


def _replace(gathered: Path, final: Path) -> None:
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
