"""Files that the user has already become a model: copied, converted where they are pickled, checked, sealed.

What a file is its content decides, never its name.
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
from answerprint.weights.install import alone, install_model
from answerprint.weights.manifest import Manifest, check_model_name
from answerprint.weights.published_models import known_models

__all__ = ["bring"]


def _silent(stage: str) -> None:
    pass


def bring(
    paths: Iterable[Path],
    models: Path,
    said: Manifest,
    *,
    scales: Mapping[str, int],
    cancelled: threading.Event | None = None,
    on_stage: Callable[[str], None] = _silent,
    convert: Convert = convert_in_child,
    fit: Fit = fit_in_child,
) -> Manifest:
    """Make a model named `said.name` of a folder, of the files of DiffBIR, of one original file, or of one network.

    Returns its manifest. said: what the user says of it; family empty and scale 0 where they are to be found out.
    scales: of families, the scale of each; 0 where their models differ in it. on_stage: told in words what is done
    next. The files themselves stay as they are. Raises ModelError for what is refused and where a model of that name is
    there, and StorageError.
    """
    check_model_name(said.name)
    cancelled = cancelled or threading.Event()
    final = models / said.name
    with alone(models, said.name):
        if final.exists():
            raise ModelError(
                f"There is a model {said.name!r} already.",
                f"Choose another name, or: answerprint models remove {said.name}",
            )
        wanted = plan_import([path.absolute() for path in paths])
        try:
            _check_room(models, wanted.values())
            gathered = temporary_folder_beside(final)
        except OSError as error:
            raise storage_error(error, models) from error
        try:
            for name, source in wanted.items():
                _take(source, gathered / name, cancelled, on_stage, convert)
            parts = {gathered / name: source.name for name, source in wanted.items() if name.startswith(PART)}
            whole = place_parts(parts, gathered, said.family) if parts else ""
            manifest = _completed(said, whole or guess_family(gathered), gathered, scales)
            check_family(gathered, manifest.family)
            on_stage("checking that the files belong together")
            fit(gathered, manifest.family, manifest.scale, cancelled, ORIGINAL if whole else "")
            if manifest.family == GENERATOR:
                manifest = _told(manifest, gathered)
            on_stage("sealing")
            return install_model(gathered, final, manifest)
        except OSError as error:
            raise storage_error(error, final) from error
        finally:
            shutil.rmtree(gathered, ignore_errors=True)


def _completed(said: Manifest, guess: str, gathered: Path, scales: Mapping[str, int]) -> Manifest:
    """What the user said, with family and scale found out where they were not. Raises ModelError."""
    family = said.family or guess
    if not family:
        named = class_name(gathered)
        told = f": its model_index.json says {named}, which several families or none have" if named else ""
        raise ModelError(
            f"Nothing tells of which family {said.name!r} is{told}.",
            f"Say it: --family NAME, one of {', '.join(scales)}.",
        )
    return replace(said, family=family, scale=said.scale or scales.get(family, 1))


def _told(said: Manifest, gathered: Path) -> Manifest:
    """What the user said, with what the network was found to be. Raises ModelError where a known one is another."""
    config = json.loads((gathered / "config.json").read_bytes())
    scale = config["scale"]
    about = f"{config.get('about', config['kind'])}, {f'enlarges {scale} times' if scale > 1 else 'keeps the size'}"
    known = known_models().get(said.name)
    wanted = next((file.content for file in known.files if file.content), {}) if known is not None else {}
    if any(config.get(name) != value for name, value in wanted.items()):
        raise ModelError(
            f"This is not {said.name}, but {about}.",
            f"Give it a name of its own: answerprint models import NAME PATH. Known by that name: {said.summary}.",
        )
    summary = said.summary if known is not None else f"{about}; {said.summary}"
    return replace(said, scale=scale, summary=summary)


def _take(
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
            f"The model needs {size_text(needed)} in {models}, and {size_text(max(0, free))} are free.",
            "Make room, or move everything that Answerprint keeps with ANSWERPRINT_HOME.",
            needed_bytes=needed, folder=str(models),
        )  # fmt: skip
