"""Import files as a model: copy them, convert pickles, check them and write the manifest.

A file's format is decided by its content, never by its name.
"""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from answerprint.errors import DiskFullError, ModelError
from answerprint.store.atomic import temporary_folder_beside
from answerprint.store.quota import room, size_text, spare_room, storage_error
from answerprint.weights.content import check_form, form_of
from answerprint.weights.identify import GENERATOR, check_family, class_name, guess_family
from answerprint.weights.importing.child import Convert, Fit, convert_in_child, fit_in_child
from answerprint.weights.importing.parts import ORIGINAL, place_parts
from answerprint.weights.importing.plan import PART, plan_import
from answerprint.weights.install import install_model, lock_model
from answerprint.weights.manifest import Manifest, check_model_name
from answerprint.weights.published_models import known_models

__all__ = ["import_model"]


def _silent(stage: str) -> None:
    pass


def import_model(
    paths: Iterable[Path],
    models: Path,
    described: Manifest,
    *,
    scales: Mapping[str, int],
    cancelled: threading.Event | None = None,
    on_stage: Callable[[str], None] = _silent,
    convert: Convert = convert_in_child,
    fit: Fit = fit_in_child,
) -> Manifest:
    """Import a model folder, DiffBIR's files, an original checkpoint, or one network as the model `described.name`.

    Returns its manifest. described: the user's description; an empty family or a scale of 0 is detected. scales: scale
    by family; 0 if its models differ. on_stage: called with a description of the next step. The source files are not
    changed. Raises ModelError if the files are refused or a model of that name already exists, and StorageError.
    """
    check_model_name(described.name)
    cancelled = cancelled or threading.Event()
    final = models / described.name
    with lock_model(models, described.name):
        if final.exists():
            raise ModelError(
                f"A model {described.name!r} already exists.",
                f"Choose another name, or: answerprint models remove {described.name}",
            )
        wanted = plan_import([path.absolute() for path in paths])
        try:
            _check_room(models, wanted.values())
            gathered = temporary_folder_beside(final)
        except OSError as error:
            raise storage_error(error, models) from error
        try:
            for name, source in wanted.items():
                _copy_or_convert(source, gathered / name, cancelled, on_stage, convert)
            parts = {gathered / name: source.name for name, source in wanted.items() if name.startswith(PART)}
            whole = place_parts(parts, gathered, described.family) if parts else ""
            manifest = _completed(described, whole or guess_family(gathered), gathered, scales)
            check_family(gathered, manifest.family)
            on_stage("checking the files")
            fit(gathered, manifest.family, manifest.scale, cancelled, ORIGINAL if whole else "")
            if manifest.family == GENERATOR:
                manifest = _with_network(manifest, gathered)
            on_stage("writing the manifest")
            return install_model(gathered, final, manifest)
        except OSError as error:
            raise storage_error(error, final) from error
        finally:
            shutil.rmtree(gathered, ignore_errors=True)


def _completed(described: Manifest, guess: str, gathered: Path, scales: Mapping[str, int]) -> Manifest:
    """The user's description, with family and scale detected if not given. Raises ModelError."""
    family = described.family or guess
    if not family:
        named = class_name(gathered)
        reason = f": its model_index.json names {named}, which does not identify a family" if named else ""
        raise ModelError(
            f"Could not detect the family of {described.name!r}{reason}.",
            f"Add --family NAME, one of {', '.join(scales)}.",
        )
    return replace(described, family=family, scale=described.scale or scales.get(family, 1))


def _with_network(described: Manifest, gathered: Path) -> Manifest:
    """The user's description, with the detected network. Raises ModelError if the name belongs to another model."""
    config = json.loads((gathered / "config.json").read_bytes())
    scale = config["scale"]
    about = f"{config.get('about', config['kind'])}, {f'scale {scale}' if scale > 1 else 'no enlargement'}"
    known = known_models().get(described.name)
    wanted = next((file.content for file in known.files if file.content), {}) if known is not None else {}
    if any(config.get(name) != value for name, value in wanted.items()):
        raise ModelError(
            f"This is not {described.name}, but {about}.",
            f"Choose another name: answerprint models import NAME PATH. {described.name} is: {described.summary}.",
        )
    summary = described.summary if known is not None else f"{about}; {described.summary}"
    return replace(described, scale=scale, summary=summary)


def _copy_or_convert(
    source: Path, target: Path, cancelled: threading.Event, on_stage: Callable[[str], None], convert: Convert
) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.suffix == ".safetensors" and form_of(source) == "pickle":
        on_stage(f"converting {source.name}")
        convert(source, target, cancelled)
        return
    check_form(source, target.name)
    on_stage(f"copying {source.name}")
    shutil.copyfile(source, target)


def _check_room(models: Path, sources: Iterable[Path]) -> None:
    needed = 0
    for source in sources:
        with suppress(OSError):
            needed += source.stat().st_size
    free = room(models) - spare_room(models)
    if needed > free:
        raise DiskFullError(
            f"The model needs {size_text(needed)} in {models}, but only {size_text(max(0, free))} is free.",
            "Free up space, or move Answerprint's files to another disk with ANSWERPRINT_HOME.",
            needed_bytes=needed, folder=str(models),
        )  # fmt: skip
