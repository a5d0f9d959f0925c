"""Everything that can be known to be wrong with OUTPUT before the first frame is restored."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import OutputError
from ..frames.clip import ClipInfo
from ..frames.codecs import check_codec
from ..frames.frame import FrameRange
from ..frames.sequence import SequencePattern
from ..store.atomic import temporary_beside

__all__ = ["check_output", "output_files"]


def output_files(path: Path | str, codec: str, source: ClipInfo, frames: FrameRange) -> tuple[Path, ...]:
    """Return the files that will be written, absolute. Raises InputError when codec and name disagree."""
    path = Path(path).absolute()
    if not check_codec(path, codec).is_sequence:
        return (path,)
    pattern = SequencePattern.parse(path)
    if pattern is None:
        raise OutputError(f"{path.name!r} has no place for a frame number.", "Name it such as out.%04d.png.")
    first = source.start_number + frames.start
    return tuple(pattern.file(number) for number in range(first, first + len(frames)))


def check_output(path: Path | str, codec: str, source: ClipInfo, overwrite: bool, frames: FrameRange) -> None:
    """Raise InputError or OutputError when OUTPUT cannot or must not be written.

    The source is never an output, also through links and whatever overwrite says. The folder is tried by creating
    a file in it: mode bits mean nothing to root, nor on a read-only disk.
    """
    files = output_files(path, codec, source, frames)
    folder = files[0].parent
    if not folder.is_dir():
        raise OutputError(f"The folder {folder} does not exist.", "Create it, or choose another one.")
    inputs = source.files or (source.path,)
    identities = {_identity(file) for file in inputs}
    resolved = {file.resolve() for file in inputs}
    for file in files:
        if file.resolve() in resolved or (os.path.lexists(file) and _identity(file) in identities - {None}):
            raise OutputError(f"{file} is the source itself.", "Sources are never written to: choose another name.")
        if file.is_dir():
            raise OutputError(f"{file} is a folder.", "Add a file name.")
        if not overwrite and os.path.lexists(file):
            raise OutputError(f"{file} exists already.", "Choose another name or give --overwrite.")
    try:
        temporary_beside(files[0]).unlink()
    except OSError as error:
        raise OutputError(f"{folder} cannot be written to ({error.strerror}).", "Choose another folder.") from error


def _identity(path: Path) -> tuple[int, int] | None:
    """Return device and inode: two names of one file share them."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
