"""Write the manifest of a model folder: the sizes and hashes of its current files.

    python -m answerprint.weights.write_manifest FOLDER [--family ldm_sr --licence Apache-2.0 --scale 4 --summary TEXT]

Fields of an existing manifest are kept unless they are given. Files other than .json, .safetensors and .txt are
ignored.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from dataclasses import replace
from pathlib import Path

from answerprint.errors import AnswerprintError, ModelError
from answerprint.store.atomic import write_bytes
from answerprint.text import counted
from answerprint.weights.header import check_safetensors
from answerprint.weights.manifest import (
    MANIFEST,
    READABLE,
    FileRecord,
    Manifest,
    check_file_name,
    check_model_name,
    read_manifest,
)

__all__ = ["main", "readable_files", "write_manifest"]

_FIELDS = ("name", "family", "version", "licence", "summary", "notes")


def write_manifest(folder: Path, described: Manifest | None = None) -> Manifest:
    """Write the manifest of `folder` and return it; `described` provides the fields, by default the old manifest.

    Raises ModelError if there is neither, if there are no weights, or if a weights file is invalid.
    """
    folder = folder.absolute()
    manifest = described or read_manifest(folder)
    check_model_name(manifest.name)
    files = tuple(_record(folder, path) for path in readable_files(folder))
    if not any(record.name.endswith(".safetensors") for record in files):
        raise ModelError(f"{folder} has no .safetensors weights.", "Convert the weights to safetensors first.")
    manifest = replace(manifest, files=files)
    try:
        write_bytes(folder / MANIFEST, manifest.to_json(), overwrite=True)
    except OSError as error:
        raise ModelError(f"Cannot write {folder / MANIFEST}: {error.strerror}.", "Check the folder.") from error
    return manifest


def readable_files(folder: Path) -> list[Path]:
    """Files of a folder that a manifest may list, sorted; all others are never read."""
    paths = [*folder.glob("*"), *folder.glob("*/*")]
    return sorted(p for p in paths if p.suffix in READABLE and p.is_file() and p != folder / MANIFEST)


def _record(folder: Path, path: Path) -> FileRecord:
    name = path.relative_to(folder).as_posix()
    check_file_name(name)
    try:
        if path.suffix == ".safetensors":
            check_safetensors(path)
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            return FileRecord(name, file.tell(), digest)
    except ValueError as error:
        raise ModelError(f"Cannot use {path}: {error}.", "Download the file again.") from error
    except OSError as error:
        raise ModelError(f"Cannot read {path}: {error.strerror}.", "Check the file.") from error


def _described(args: argparse.Namespace) -> Manifest:
    """The old manifest, if there is one, updated from the command line."""
    folder: Path = args.folder.absolute()
    given = {key: getattr(args, key) for key in (*_FIELDS, "scale") if getattr(args, key) is not None}
    if (folder / MANIFEST).exists():
        return replace(read_manifest(folder), **given)
    missing = [f"--{key}" for key in ("family", "licence", "scale") if key not in given]
    if missing:
        raise ModelError(f"{folder} has no manifest yet.", f"Add {', '.join(missing)}.")
    return Manifest(**{"name": folder.name, "version": "1", "summary": "", "files": (), **given})


def main(argv: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m answerprint.weights.write_manifest", description=__doc__.split("\n")[0]
    )
    parser.add_argument("folder", type=Path, help="the model's folder")
    for key in _FIELDS:
        parser.add_argument(f"--{key}")
    parser.add_argument("--scale", type=int)
    args = parser.parse_args(argv)
    try:
        manifest = write_manifest(args.folder, _described(args))
    except AnswerprintError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stdout.write(f"wrote the manifest of {manifest.name}: {counted(len(manifest.files), 'file')}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
