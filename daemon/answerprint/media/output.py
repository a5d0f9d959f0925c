"""Checks of OUTPUT before the first frame is restored."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection
from pathlib import Path

from answerprint.errors import OutputError
from answerprint.frames.clip import ClipInfo
from answerprint.frames.codec_choice import check_codec
from answerprint.frames.frame import FrameRange
from answerprint.frames.sequence import SequencePattern
from answerprint.media.sources import Sources
from answerprint.store.atomic import temporary_name
from answerprint.store.open_folder import OpenFolder
from answerprint.store.reserved import check_not_ours

__all__ = ["check_output", "output_files"]


def output_files(path: Path | str, codec: str, source: ClipInfo, frames: FrameRange) -> tuple[Path, ...]:
    """Return the absolute paths of the files to be written. Raises InputError if codec and name do not fit."""
    path = Path(path).absolute()
    if not check_codec(path, codec).is_sequence:
        return (path,)
    pattern = SequencePattern.parse(path)
    if pattern is None:
        raise OutputError(f"{path.name!r} has no place for a frame number.", "Name it such as out.%04d.png.")
    first = source.start_number + frames.start
    return tuple(pattern.file(number) for number in range(first, first + len(frames)))


def check_output(path: Path | str, codec: str, source: ClipInfo, overwrite: bool, frames: FrameRange) -> None:
    """Raise InputError or OutputError if OUTPUT cannot or must not be written.

    The source is never replaced, not even through a link or with overwrite. The folder is tested by creating a file in
    it, because mode bits mean nothing for root or on a read-only disk.
    """
    files = output_files(path, codec, source, frames)
    folder = files[0].parent
    if not folder.is_dir():
        raise OutputError(f"The folder {folder} does not exist.", "Create it, or choose another one.")
    check_not_ours(folder)
    inputs = source.files or (source.path,)
    sources, resolved = Sources(inputs), {file.resolve() for file in inputs}
    try:
        with OpenFolder(folder) as place:
            for file in files:
                sources.check(place, file.name)
                _check_name(place, file, resolved, overwrite)
            trial = temporary_name()
            os.close(place.create(trial))
            place.remove(trial)
    except OSError as error:
        raise OutputError(f"{folder} cannot be written to ({error.strerror}).", "Choose another folder.") from error


def _check_name(place: OpenFolder, file: Path, sources: Collection[Path], overwrite: bool) -> None:
    if file.resolve() in sources:
        raise OutputError(f"{file} is the source itself.", "Sources are never written to: choose another name.")
    found = place.look(file.name)
    target = place.look(file.name, follow=True)
    if target is not None and stat.S_ISDIR(target.st_mode):
        raise OutputError(f"{file} is a folder.", "Add a file name.")
    if not overwrite and found is not None:
        raise OutputError(f"{file} already exists.", "Choose another name or give --overwrite.")
