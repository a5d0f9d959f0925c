"""A program of its own: whether files make a model of a family, told by configurations and headers alone.

    python -m answerprint.child fit FOLDER FAMILY SCALE [ORIGINAL]

ORIGINAL, where there is one, is a file of FOLDER that holds the model in the form of its first makers: the networks of
diffusers' layout are made of it first, and it is removed. All else is only read. Ends with 2 for what is refused.
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
_REMEDY = "Use all files of one model as its makers publish them; another family is named with --family."


def main(argv: Sequence[str] | None = None) -> int:
    """Make what has to be made, and check; returns the exit code."""
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
    """Make the networks' files, beside their configurations, of the file `original` of `folder`, and remove it.

    Raises ModelError for another model's file, and OSError.
    """
    _known(family)
    make: Callable[[Path, Path], None] = importlib.import_module(f"{__package__}.{family}.original").arrange
    make(folder / original, folder)
    (folder / original).unlink()


def check(folder: Path, family: str, scale: int) -> None:
    """Raise ModelError, saying what the files look like, unless they make a model of `family` that enlarges by `scale`.

    scale: 0 for whatever the model does.

    The model is loaded as ever but without its numbers, so what fits here fits then.
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
            f"These files make no model of the family {family}: {reason}.{_told(folder)}", _REMEDY
        ) from error
    if scale and backend.info.scale != scale:
        raise ModelError(
            f"This model enlarges {backend.info.scale} times, and not {scale} times as was said.",
            f"Say --scale {backend.info.scale}, or leave it out.",
        )


def _told(folder: Path) -> str:
    """What each file of weights looks like, as a sentence."""
    weights = [path for path in readable_files(folder) if path.suffix == ".safetensors"]
    told = likenesses({path.relative_to(folder).as_posix(): shapes_of(path) for path in weights})
    return f" By the tensors, {told}." if told else ""


def _known(family: str) -> None:
    if family not in families():
        raise ModelError(f"There is no model family {family!r}.", f"Families: {', '.join(families())}.")


def _limit() -> None:
    """A configuration can ask for layers without end; this process then ends first."""
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))


if __name__ == "__main__":
    sys.exit(main())
