"""Check a job before a child process starts, without torch or av.

The child checks more: only it opens the media.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from answerprint.api.job import JobRecord
from answerprint.api.request import PreviewRequest, RestoreRequest
from answerprint.backends.catalogue import find_model
from answerprint.errors import InputError, MediaError, OutputError
from answerprint.frames.codec_choice import codec_without_source
from answerprint.frames.sequence import (
    SequencePattern,
    find_sequence,
    framemd5_of,
    names_a_sequence,
    sidecar_of,
)
from answerprint.pipeline.choices import Choices, resolve
from answerprint.scheduler.devices import DEVICE_NAMES
from answerprint.store.reserved import check_not_ours

__all__ = ["LONGEST_NAME", "check_device", "check_free", "check_preview", "check_restore"]

LONGEST_NAME = 255
"""Bytes of a file's name, on nearly every file system."""
_LONGEST_PATH = 4095  # bytes, the limit of Linux


def check_restore(request: RestoreRequest, *, create_folder: bool = False) -> Choices:
    """Return the resolved choices of a restoration. Raises InputError if it cannot be done.

    create_folder: the output's folder may be missing, as it will be created; its parent must exist.
    """
    choices = _check_settings(request)
    inputs = (request.clip.media, *(path for path, _ in request.parts))
    _check_names(*inputs, request.output)
    for path in inputs:
        _check_input(path)
    output = Path(request.output)
    if output.is_dir():
        raise OutputError(f"{output} is a folder.", "Add a file name, or a pattern such as out.%04d.png.")
    codec = codec_without_source(output, request.codec)
    if request.parts and not codec.can_join:
        raise OutputError(f"Frames of {codec.name} cannot be joined.", "Restore the whole range again.")
    _check_folder(output.parent, create_folder)
    if not codec.is_sequence:
        _check_absent(output, Path(request.clip.media), request.overwrite)
    if request.framemd5:
        if codec.is_sequence:
            raise OutputError(
                "--framemd5 is for movies; a sequence has a file for each picture.", "Use --sidecar instead."
            )
        _check_absent(framemd5_of(output), Path(request.clip.media), request.overwrite)
    if request.sidecar:
        _check_absent(sidecar_of(output), Path(request.clip.media), request.overwrite)
    return choices


def check_preview(request: PreviewRequest) -> Choices:
    """Return the resolved choices of a preview. Raises InputError if it cannot be made."""
    choices = _check_settings(request.restore)
    _check_names(request.restore.clip.media, request.restore.output)
    _check_input(request.restore.clip.media)
    folder = Path(request.restore.output)
    if os.path.lexists(folder) and not folder.is_dir():
        raise OutputError(f"{folder} is not a folder.", "Choose another --output.")
    check_not_ours(folder)
    if not folder.is_dir():
        _check_folder(folder.parent)
    elif not request.restore.overwrite and any(folder.iterdir()):
        raise OutputError(f"The folder {folder} is not empty.", "Choose another --output or use --overwrite.")
    return choices


def check_free(job: JobRecord, others: Iterable[JobRecord]) -> None:
    """Raise OutputError if an unfinished job writes the same output. others: the jobs with that output."""
    for other in others:
        if other.id == job.id or "preview" in (job.kind, other.kind):
            continue
        # Several jobs may write different parts of one sequence.
        if names_a_sequence(Path(job.output)) and other.request.get("range") != job.request.get("range"):
            continue
        raise OutputError(
            f"Job {other.number} already writes {job.output}.", "Choose another name, or cancel that job first."
        )


def check_device(name: str) -> None:
    """Raise InputError for an unknown device name; whether the device exists, only a worker knows."""
    if name not in DEVICE_NAMES:
        raise InputError(f"Unknown device {name!r}.", "Give auto, cpu, cuda, cuda:1 or mps.")


def _check_settings(request: RestoreRequest) -> Choices:
    check_device(request.device)
    return resolve(request, find_model(request.model).info)


def _check_names(*paths: str) -> None:
    """Raise InputError for a path that no job can carry, or no folder can hold."""
    for path in paths:
        try:
            data = path.encode()
        except UnicodeEncodeError as error:
            raise InputError(f"{path!a} is not Unicode.", "Rename it: its name is not in UTF-8.") from error
        if "\0" in path:
            raise InputError(f"{path!a} contains a zero byte.", "Check the path.")
        longest = max(Path(path).parts, key=lambda part: len(part.encode()), default="")
        if len(longest.encode()) > LONGEST_NAME:
            raise InputError(
                f"The name {longest[:40]}... is too long: {len(longest.encode())} bytes.",
                f"File names have at most {LONGEST_NAME} bytes: choose a shorter one.",
            )
        if len(data) > _LONGEST_PATH:
            raise InputError(
                f"The path {path[:40]}... is too long: {len(data)} bytes.",
                f"Paths have at most {_LONGEST_PATH} bytes: choose a shorter one.",
            )


def _check_input(text: str) -> None:
    path = Path(text)
    try:
        if names_a_sequence(path):
            find_sequence(path)
            return
        mode = path.stat().st_mode
    except FileNotFoundError as error:
        raise MediaError(f"{path} does not exist.", "Check the path.") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise MediaError(f"{path} cannot be read ({reason}).", "Check the path and its permissions.") from error
    if not stat.S_ISREG(mode):
        raise MediaError(f"{path} is not a regular file.", "Give a video file or an image sequence.")


def _check_folder(folder: Path, create: bool = False) -> None:
    check_not_ours(folder)
    if folder.is_dir():
        return
    if os.path.lexists(folder):
        raise OutputError(f"{folder} is not a folder.", "Choose another one.")
    if not folder.parent.is_dir():
        # Not created: if its disk is not connected, the files would fill the system disk.
        raise OutputError(
            f"The folder {folder.parent} does not exist.", "Check the path, and that its disk is connected."
        )
    if not create:
        raise OutputError(f"The folder {folder} does not exist.", "Create it, or choose another one.")


def _check_absent(output: Path, source: Path, overwrite: bool) -> None:
    if not os.path.lexists(output):
        return
    if SequencePattern.parse(source) is None and source.exists() and output.exists() and output.samefile(source):
        raise OutputError(f"{output} is the source.", "The source is never changed. Choose another name.")
    if not overwrite:
        raise OutputError(f"{output} already exists.", "Choose another name or use --overwrite.")
