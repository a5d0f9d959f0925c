"""Child program: check whether files form a model of a family, from configurations and headers only.

    python -m answerprint.child fit FOLDER FAMILY SCALE [ORIGINAL]

ORIGINAL, if given, is a file of FOLDER that holds the model in its original format: it is first converted to files of
diffusers' layout, and removed. Everything else is only read. The exit code is 2 if the files are refused.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from answerprint.backends.base import Backend
from answerprint.backends.catalogue import families
from answerprint.backends.weights import shapes_alone
from answerprint.errors import ModelError
from answerprint.weights.identify import likenesses, shapes_of
from answerprint.weights.manifest import FileRecord, Manifest
from answerprint.weights.verify import VerifiedModel
from answerprint.weights.write_manifest import readable_files

__all__ = ["arrange_files", "check", "main"]

_CPU_SECONDS = 600
_REMEDY = "Use all files of one model as published; choose another family with --family."


def main(argv: Sequence[str] | None = None) -> int:
    """Convert if needed, and check; returns the exit code."""
    parser = argparse.ArgumentParser(prog="answerprint --child fit", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("family")
    parser.add_argument("scale", type=int)
    parser.add_argument("original", nargs="?", default="")
    args = parser.parse_args(argv)
    _limit()
    if args.original:
        arrange_files(args.folder, args.family, args.original)
    check(args.folder, args.family, args.scale)
    return 0


def arrange_files(folder: Path, family: str, original: str) -> None:
    """Convert the file `original` of `folder` to the networks' files beside their configurations, and remove it.

    Raises ModelError if the file belongs to another model, and OSError.
    """
    _known(family)
    make: Callable[[Path, Path], None] = importlib.import_module(f"{__package__}.{family}.original").arrange
    make(folder / original, folder)
    (folder / original).unlink()


def check(folder: Path, family: str, scale: int) -> None:
    """Raise ModelError, with what the files look like, unless they form a model of `family` with `scale`.

    scale: 0 accepts any.

    Loads the model as usual but without its numbers, so files that fit here can be loaded later.
    """
    _known(family)
    records = tuple(FileRecord(path.relative_to(folder).as_posix(), 0, "") for path in readable_files(folder))
    unsealed = VerifiedModel(folder, Manifest("unsealed", family, "", "", "", scale, records))
    make: Callable[[VerifiedModel, torch.device], Backend]
    make = importlib.import_module(f"{__package__}.{family}.adapter").load
    try:
        with shapes_alone():
            backend = make(unsealed, torch.device("meta"))
    except ModelError as error:
        reason = error.message.replace(f"{folder}{os.sep}", "").replace(str(folder), "the folder")
        reason = " ".join(reason.split()).rstrip(".")
        raise ModelError(
            f"These files do not form a model of the family {family}: {reason}.{_describe(folder)}", _REMEDY
        ) from error
    if scale and backend.info.scale != scale:
        raise ModelError(
            f"This model has a scale of {backend.info.scale}, not {scale}.",
            f"Use --scale {backend.info.scale}, or leave it out.",
        )


def _describe(folder: Path) -> str:
    """What each weights file looks like, as a sentence."""
    weights = [path for path in readable_files(folder) if path.suffix == ".safetensors"]
    found = likenesses({path.relative_to(folder).as_posix(): shapes_of(path) for path in weights})
    return f" By the tensors, {found}." if found else ""


def _known(family: str) -> None:
    if family not in families():
        raise ModelError(f"Unknown model family {family!r}.", f"Families: {', '.join(families())}.")


def _limit() -> None:
    """Limit CPU time: a malicious configuration can request endless layers."""
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))


if __name__ == "__main__":
    sys.exit(main())
