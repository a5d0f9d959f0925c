"""Load a model into memory: verify its files, then call its family's loader."""

from __future__ import annotations

import importlib
from collections.abc import Callable

import torch

from answerprint.backends.base import Backend
from answerprint.backends.catalogue import ModelEntry, at_hand
from answerprint.errors import ModelError
from answerprint.weights.verify import VerifiedModel, verify_model

__all__ = ["load"]


def load(model: str | ModelEntry, device: torch.device) -> Backend:
    """Load a model, by name or catalogue entry, onto `device`, in the device's default precision.

    Sizes and hashes of all its files are verified before any is parsed. Raises ModelError if the model is unknown,
    missing, damaged or does not match its manifest.
    """
    entry = at_hand(model if isinstance(model, str) else model.name)
    if entry.folder is None:
        raise ModelError(f"The weights of {entry.name!r} are not on this computer.")
    family = entry.info.family
    verified = verify_model(entry.folder)
    adapter = importlib.import_module(f"{__package__}.{family}.adapter")
    make: Callable[[VerifiedModel, torch.device], Backend] = adapter.load
    backend = make(verified, device)
    if backend.info.scale != verified.manifest.scale:
        raise ModelError(
            f"The model {entry.name!r} has a scale of {backend.info.scale}, but its manifest says "
            f"{verified.manifest.scale}.",
            f"Correct the manifest: python -m answerprint.weights.write_manifest {entry.folder} "
            f"--scale {backend.info.scale}",
        )
    return backend
