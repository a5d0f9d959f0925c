"""Which models there are: those of the package, the user's, those on shared shelves; and those begun to be fetched."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from answerprint.errors import ModelError
from answerprint.home import models_folder
from answerprint.store.atomic import temporary_folder_beside
from answerprint.store.quota import storage_error
from answerprint.weights.install import alone, partial_folder
from answerprint.weights.manifest import MANIFEST, check_model_name
from answerprint.weights.packaged.package import lack_of
from answerprint.weights.published_models import KnownModel, known_models
from answerprint.weights.settings import load_model_settings
from answerprint.weights.verify import PACKAGE_FOLDER

__all__ = ["ModelLocation", "model_folders", "partial_share", "removable_folders", "remove"]


@dataclass(frozen=True, slots=True)
class ModelLocation:
    """Where a model lies. own: in the user's folder, where it can be removed; shared: on a shelf of others."""

    folder: Path
    own: bool = False
    shared: bool = False


def model_folders() -> dict[str, ModelLocation]:
    """Place by model name: of the package first, then the user's own, then the shelves in their order."""
    own = models_folder()
    found: dict[str, ModelLocation] = {}
    for root in (PACKAGE_FOLDER, own, *load_model_settings().shelves):
        try:
            folders = sorted(root.iterdir())
        except OSError:  # a shelf that is not mounted now
            continue
        for folder in folders:
            if not folder.name.startswith(".") and (folder / MANIFEST).is_file():
                found.setdefault(folder.name, ModelLocation(folder, root == own, root not in (PACKAGE_FOLDER, own)))
    return found


def partial_share(model: KnownModel) -> float | None:
    """How much of a known model has come, 0 to 1; None where nothing has. Of what has no published size, nothing."""
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
    """Remove a model of the user's, and what was begun of it; returns the bytes freed.

    Raises ModelError for one that is not the user's own, and StorageError.
    """
    models, folders = models_folder(), removable_folders(name)
    with alone(models, name):
        freed = sum(path.stat().st_size for folder in folders for path in folder.rglob("*") if path.is_file())
        try:
            for folder in folders:
                # Under another name first: a model is there whole, or not at all.
                doomed = temporary_folder_beside(models / name)
                folder.rename(doomed / name)
                shutil.rmtree(doomed)
        except OSError as error:
            raise storage_error(error, models / name) from error
    return freed


def removable_folders(name: str) -> list[Path]:
    """The folders that hold a model of the user's, and what was begun of it. Raises ModelError."""
    check_model_name(name)
    place = model_folders().get(name)
    if place is not None and not place.own:
        if place.shared:
            told = f"lies on the shared shelf {place.folder.parent}", "Whoever looks after the shelf can remove it."
        else:
            told = "is part of Answerprint", "It goes when Answerprint is uninstalled."
        raise ModelError(f"The model {name!r} {told[0]} and is not removed.", told[1])
    models, known = models_folder(), known_models().get(name)
    folders = [each for each in (models / name, partial_folder(models, name)) if each.is_dir()]
    if not folders and known is not None and known.package is not None and not lack_of(known.package):
        package = known.package.distribution
        raise ModelError(f"The model {name!r} is in the package {package} and is not removed.", "It goes with that.")
    if not folders or any(each.is_symlink() for each in folders):
        raise ModelError(f"There is no model {name!r} to remove.", "See: answerprint models list")
    return folders
