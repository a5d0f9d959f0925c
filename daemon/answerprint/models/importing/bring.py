"""Files that the user has already become a model: copied, converted where they are pickled, sealed.

What a file is its content decides, never its name.
"""

from __future__ import annotations

import json
import re
import shutil
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from answerprint.errors import DiskFullError, ModelError
from answerprint.store.atomic import temporary_folder_beside
from answerprint.store.quota import room, size_text, storage_error

from ..content import check_form, form_of
from ..guess import INDEX, check_family, guess_family, guess_part
from ..install import alone, install
from ..manifest import Manifest, check_file_name, check_model_name
from ..verify import MAX_TEXT_BYTES
from .child import convert_in_child

__all__ = ["bring"]

_TOKENIZER = frozenset({"vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json"})
_DIFFBIR = {"_class_name": "DiffBIR", "version": "v2"}
_NEEDED = ("base.safetensors", "control.safetensors")
_VARIANT = re.compile(r"\.(fp16|bf16|non_ema|ema)(?=\.)")
_PICKLES = frozenset({".bin", ".ckpt", ".pth", ".pt"})
_WEIGHTS = frozenset({".safetensors", *_PICKLES})


def bring(
    paths: Iterable[Path],
    models: Path,
    said: Manifest,
    *,
    scales: Mapping[str, int],
    cancelled: threading.Event | None = None,
    convert: Callable[[Path, Path, threading.Event], None] = convert_in_child,
) -> Manifest:
    """Make a model named `said.name` of a folder, or of the files of DiffBIR; returns its manifest.

    said: what the user says of it; family empty and scale 0 where they are to be found out. scales: of families, the
    scale of each. The files themselves stay as they are. Raises ModelError for what is refused and where a model of
    that name is there, and StorageError.
    """
    check_model_name(said.name)
    cancelled = cancelled or threading.Event()
    final = models / said.name
    wanted = _plan([path.absolute() for path in paths])
    with alone(models, said.name):
        if final.exists():
            raise ModelError(
                f"There is a model {said.name!r} already.",
                f"Choose another name, or: answerprint models remove {said.name}",
            )
        try:
            _check_room(models, wanted.values())
            gathered = temporary_folder_beside(final)
        except OSError as error:
            raise storage_error(error, models) from error
        try:
            for name, source in wanted.items():
                _take(source, gathered / name, cancelled, convert)
            _place_parts(gathered)
            manifest = replace(said, family=said.family or guess_family(gathered))
            if not manifest.family:
                raise ModelError(f"Nothing tells of which family {said.name!r} is.", "Say it: --family NAME.")
            check_family(gathered, manifest.family)
            manifest = replace(manifest, scale=manifest.scale or scales.get(manifest.family, 1))
            return install(gathered, final, manifest)
        except OSError as error:
            raise storage_error(error, final) from error
        finally:
            shutil.rmtree(gathered, ignore_errors=True)


def _plan(paths: list[Path]) -> dict[str, Path]:
    """Which file becomes which, by its name in the model's folder; single files of weights get a number first."""
    wanted: dict[str, Path] = {}
    for number, path in enumerate(paths):
        if not path.exists():
            raise ModelError(f"{path} does not exist.", "Check the path.")
        if path.is_dir():
            wanted |= _plan_folder(path, alone=len(paths) == 1)
        elif path.name in _TOKENIZER:
            wanted[f"tokenizer/{path.name}"] = path
        elif form_of(path) in ("safetensors", "pickle"):
            wanted[f"part-{number}.safetensors"] = path
        else:
            raise ModelError(f"{path} is no file of weights.", "Name the folder of the model, or its weight files.")
    if not wanted:
        raise ModelError("There are no files of a model there.", "Name the folder of the model, or its weight files.")
    return wanted


def _plan_folder(folder: Path, *, alone: bool) -> dict[str, Path]:
    """The files of a diffusers folder that its index names; of a folder among others, its tokenizer."""
    if not alone or not (folder / INDEX).is_file():
        found = [path for path in sorted(folder.iterdir()) if path.is_file()]
        if not alone:
            return {f"tokenizer/{path.name}": path for path in found if path.name in _TOKENIZER}
        return _plan([path for path in found if path.suffix.lower() in _WEIGHTS or path.name in _TOKENIZER])
    wanted = {INDEX: folder / INDEX}
    for part in _components(folder / INDEX):
        place = folder / part
        if part.endswith(".safetensors") or not place.is_dir():
            continue
        for path in sorted(place.iterdir()):
            if path.is_file() and (name := _name_of(path)):
                wanted[f"{part}/{name}"] = path
    for path in sorted(folder.glob("*.safetensors")) if len(wanted) == 1 else ():
        wanted[path.name] = path
    for name in wanted:
        check_file_name(name)
    return wanted


def _components(index: Path) -> list[str]:
    check_form(index, INDEX)
    data: Mapping[str, object] = json.loads(index.read_bytes()[:MAX_TEXT_BYTES])
    parts = [name for name, value in data.items() if isinstance(value, list) and value and value[0] is not None]
    return [*parts, "tokenizer", "stage1"]


def _name_of(path: Path) -> str:
    """The name that a file gets; the empty text for one that is left out: a variant, or a pickle beside its twin."""
    suffix = path.suffix.lower()
    if suffix in (".json", ".txt"):
        return path.name
    if suffix not in _WEIGHTS or _VARIANT.search(path.name):
        return ""
    twin = _twin(path)
    if suffix in _PICKLES and (path.parent / twin).exists():
        return ""
    return twin


def _twin(path: Path) -> str:
    """What libraries call the safetensors file of a pickled one."""
    stem = "model" if path.stem == "pytorch_model" else path.stem
    return f"{stem}.safetensors"


def _take(
    source: Path, target: Path, cancelled: threading.Event, convert: Callable[[Path, Path, threading.Event], None]
) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.suffix == ".safetensors" and form_of(source) == "pickle":
        convert(source, target, cancelled)
        return
    check_form(source, target.name)
    shutil.copyfile(source, target)


def _place_parts(gathered: Path) -> None:
    """Give single files the names of the parts that they are, by their tensors."""
    parts = sorted(gathered.glob("part-*.safetensors"))
    for path in parts:
        place = gathered / guess_part(path)
        if place.exists():
            raise ModelError(f"Two of the files are {place.name}.", "Name each file once.")
        place.parent.mkdir(exist_ok=True)
        path.rename(place)
    if parts:
        missing = [name for name in _NEEDED if not (gathered / name).exists()]
        if missing:
            raise ModelError(f"{' and '.join(missing)} of DiffBIR are missing.", "Name all files of the model.")
        (gathered / INDEX).write_text(json.dumps(_DIFFBIR, indent=1) + "\n")


def _check_room(models: Path, sources: Iterable[Path]) -> None:
    needed = 0
    for source in sources:
        with suppress(OSError):
            needed += source.stat().st_size
    if needed > (free := room(models)):
        raise DiskFullError(
            f"The model needs {size_text(needed)} in {models}, and {size_text(free)} are free.", "Make room there.",
            needed_bytes=needed, folder=str(models),
        )  # fmt: skip
