"""The model library: embedded models, the user's, those in shared folders; and partial downloads."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from answerprint.errors import ModelError
from answerprint.home import models_folder
from answerprint.store.atomic import temporary_folder_beside
from answerprint.store.quota import storage_error
from answerprint.weights.install import lock_model, partial_folder
from answerprint.weights.manifest import MANIFEST, check_model_name
from answerprint.weights.packaged.package import lack_of
from answerprint.weights.published_models import KnownModel, known_models
from answerprint.weights.settings import load_model_settings
from answerprint.weights.verify import PACKAGE_FOLDER

__all__ = ["ModelLocation", "model_folders", "partial_share", "removable_folders", "remove"]


@dataclass(frozen=True, slots=True)
class ModelLocation:
    """A model's folder. own: in the user's folder, can be removed; shared: in a shared folder, read-only."""

    folder: Path
    own: bool = False
    shared: bool = False


def model_folders() -> dict[str, ModelLocation]:
    """Locations by model name: embedded models first, then the user's, then the shared folders in their order."""
    own = models_folder()
    found: dict[str, ModelLocation] = {}
    for root in (PACKAGE_FOLDER, own, *load_model_settings().shelves):
        try:
            folders = sorted(root.iterdir())
        except OSError:  # a shared folder that is not mounted
            continue
        for folder in folders:
            if not folder.name.startswith(".") and (folder / MANIFEST).is_file():
                found.setdefault(folder.name, ModelLocation(folder, root == own, root not in (PACKAGE_FOLDER, own)))
    return found


def partial_share(model: KnownModel) -> float | None:
    """Downloaded share of a known model, 0 to 1; None if there is no partial download, 0 if no size is published."""
    folder = partial_folder(models_folder(), model.name)
    here = 0
    for file in model.files:
        for name in (file.name, f"{file.name}.part", f"{file.name}.original"):
            if (folder / name).is_file():
                size = (folder / name).stat().st_size
                here += min(size, file.size) if file.size else size
                break
    return min(1.0, here / model.size) if here and model.size else (0.0 if here else None)


def remove(name: str) -> int:
    """Remove one of the user's models and its partial download; returns the bytes freed.

    Raises ModelError if it is not the user's, and StorageError.
    """
    models, folders = models_folder(), removable_folders(name)
    with lock_model(models, name):
        freed = sum(path.stat().st_size for folder in folders for path in folder.rglob("*") if path.is_file())
        try:
            for folder in folders:
                # Rename first, so that a model is either complete or gone.
                doomed = temporary_folder_beside(models / name)
                folder.rename(doomed / name)
                shutil.rmtree(doomed)
        except OSError as error:
            raise storage_error(error, models / name) from error
    return freed


def removable_folders(name: str) -> list[Path]:
    """The folders of one of the user's models and its partial download. Raises ModelError."""
    check_model_name(name)
    place = model_folders().get(name)
    if place is not None and not place.own:
        if place.shared:
            reason = f"is in the shared folder {place.folder.parent}", "The administrator of that folder can remove it."
        else:
            reason = "is part of Answerprint", "It is removed when Answerprint is uninstalled."
        raise ModelError(f"The model {name!r} {reason[0]} and cannot be removed.", reason[1])
    models, known = models_folder(), known_models().get(name)
    folders = [each for each in (models / name, partial_folder(models, name)) if each.is_dir()]
    if not folders and known is not None and known.package is not None and not lack_of(known.package):
        package = known.package.distribution
        message = f"The model {name!r} is in the package {package} and cannot be removed."
        raise ModelError(message, "Uninstall the package to remove it.")
    if not folders or any(each.is_symlink() for each in folders):
        raise ModelError(f"There is no model {name!r} to remove.", "See: answerprint models list")
    return folders
