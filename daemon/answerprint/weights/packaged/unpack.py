"""Unpack a known model from the package that contains its weights, atomically and offline."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import time
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from answerprint.store.atomic import temporary_folder_beside
from answerprint.store.quota import storage_error
from answerprint.weights.install import ModelBusyError, install_model, lock_model
from answerprint.weights.manifest import MANIFEST
from answerprint.weights.packaged.ncnn import read_ncnn
from answerprint.weights.packaged.package import missing, read_files
from answerprint.weights.published_models import KnownModel, Package

__all__ = ["make_ready", "names_of", "unpack"]

_POLL_SECONDS = 0.05
_TIMEOUT_SECONDS = 120.0
_RANGE = re.compile(r"\{(\d+)-(\d+)\}")


def make_ready(model: KnownModel, models: Path) -> Path:
    """The model's folder in `models`, unpacked from its package if needed; waits while another process unpacks it.

    Raises ModelError if the package is missing or different, StorageError, and ModelBusyError if the other process
    takes more than two minutes.
    """
    final = models / model.name
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    with ExitStack() as held:
        while not (final / MANIFEST).is_file():
            try:
                held.enter_context(lock_model(models, model.name))
            except ModelBusyError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(_POLL_SECONDS)
                continue
            # The previous holder of the lock may have unpacked it.
            return final if (final / MANIFEST).is_file() else unpack(model, models)
    return final


def unpack(model: KnownModel, models: Path) -> Path:
    """Unpack the model; the caller holds `lock_model`. Raises ModelError and StorageError."""
    package, final = model.package, models / model.name
    if package is None:
        raise ValueError(f"{model.name} is not in a package")
    try:
        tensors = _tensors(package, read_files(package))
    except (ValueError, OSError) as error:
        raise missing(model, str(error)) from error
    try:
        gathered = temporary_folder_beside(final)
    except OSError as error:
        raise storage_error(error, final) from error
    try:
        for file in model.files:
            if file.content is not None:
                (gathered / file.name).write_text(json.dumps(dict(file.content), indent=1) + "\n")
        (gathered / package.makes).write_bytes(save(tensors))
        origin = f"unpacked from the package {package.distribution} {package.version}"
        install_model(gathered, final, model.manifest(origin))
    except OSError as error:
        raise storage_error(error, final, sum(file.size for file in package.files)) from error
    finally:
        shutil.rmtree(gathered, ignore_errors=True)
    return final


def _tensors(package: Package, files: Iterable[bytes]) -> dict[str, NDArray[Any]]:
    """The package's tensors, unchanged, under the network's names."""
    param, weights = files
    found: dict[str, NDArray[Any]] = {}
    names, layers = names_of(package.layers), list(read_ncnn(param.decode(), weights))
    if len(names) != len(layers):
        raise ValueError(f"the package {package.distribution} has {len(layers)} layers instead of {len(names)}")
    for layer, tensors in zip(names, layers, strict=True):
        found |= {f"{layer}.{name}": np.ascontiguousarray(tensor) for name, tensor in tensors.items()}
    return found


def names_of(patterns: Iterable[str]) -> list[str]:
    """Expand patterns: "body.{0-2}.conv{1-5}" gives fifteen names, the last range varying fastest."""
    names = []
    for pattern in patterns:
        ranges = [range(int(first), int(last) + 1) for first, last in _RANGE.findall(pattern)]
        plain = _RANGE.sub("{}", pattern)
        names += [plain.format(*numbers) for numbers in itertools.product(*ranges)]
    return names
