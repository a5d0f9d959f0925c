"""The sidecar of a deliverable: a JSON file that proves what it was made of, by which model and how."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import av
from av.video.frame import VideoFrame

from answerprint import __version__
from answerprint.errors import MediaError, OutputError
from answerprint.frames import ClipInfo, FrameRange
from answerprint.frames.cadence import stored_range
from answerprint.frames.clip import is_rgb
from answerprint.frames.colour import ColourTags, resolve_colour
from answerprint.frames.sequence import framemd5_of, sidecar_of
from answerprint.ipc.messages import Message
from answerprint.media import output_files, probe
from answerprint.media.boundary import reading
from answerprint.media.framemd5 import framemd5
from answerprint.media.reader import read_from
from answerprint.store import atomic
from answerprint.store.quota import storage_error
from answerprint.worker.resolved_job import ResolvedJob

__all__ = ["SIDECAR_FORMAT", "write_framemd5", "write_sidecar"]

SIDECAR_FORMAT = "answerprint-sidecar-1"
"""Value of the key `format`: later forms have another number."""
_LIBRARIES = ("torch", "numpy", "diffusers")
_MOST_BYTES = 1 << 26
_FRAME_SUM = re.compile(r'\[\s+(\d+),\s+("[0-9a-f]{32}")\s+\]')
"""A frame's number and sum, which a line holds: a film has many."""


def write_sidecar(resolved: ResolvedJob, job: str, check: Callable[[], None]) -> Path:
    """Write the sidecar of a deliverable that is complete, and return its path.

    check: called between frames; may raise. Raises OutputError if a file of that name is not this job's and may not be
    replaced, MediaError if source or deliverable can no longer be read, StorageError.
    """
    path = sidecar_of(Path(resolved.request.output))
    try:
        text = json.dumps(_content(resolved, job, check), indent=1)
        data = _FRAME_SUM.sub(r"[\1, \2]", text).encode() + b"\n"
        atomic.write_bytes(path, data, overwrite=resolved.request.overwrite or _is_ours(path, job))
    except FileExistsError as error:
        raise OutputError(f"{path} already exists.", "Move it away, then retry the job, or use --overwrite.") from error
    except OSError as error:
        raise storage_error(error, path) from error
    return path


def write_framemd5(resolved: ResolvedJob, check: Callable[[], None]) -> Path:
    """Write the checksums of a movie that is complete, and return their path.

    check: called between pictures; may raise. Raises OutputError if another file has that name and may not be replaced,
    MediaError if the movie can no longer be read, StorageError.
    """
    output = Path(resolved.request.output)
    path = framemd5_of(output)
    data = framemd5(output, resolved.info.rate, check)
    try:
        same = path.is_file() and path.read_bytes() == data  # an earlier try wrote it
        atomic.write_bytes(path, data, overwrite=resolved.request.overwrite or same)
    except FileExistsError as error:
        raise OutputError(f"{path} already exists.", "Move it away, then retry the job, or use --overwrite.") from error
    except OSError as error:
        raise storage_error(error, path) from error
    return path


def _is_ours(path: Path, job: str) -> bool:
    """Whether an earlier try of this job wrote the file."""
    try:
        if not path.is_file() or path.stat().st_size > _MOST_BYTES:
            return False
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(content, dict) and content.get("format") == SIDECAR_FORMAT and content.get("job") == job


def _content(resolved: ResolvedJob, job: str, check: Callable[[], None]) -> Message:
    info, request, choices = resolved.info, resolved.request, resolved.choices
    made = output_files(request.output, resolved.codec, info, resolved.frames)
    return {
        "format": SIDECAR_FORMAT,
        "job": job,
        "source": {
            "path": str(info.path),
            "files": [_file(file, check) for file in resolved.source_files(resolved.frames)],
            "range": [resolved.frames.start, resolved.frames.stop],
            "rate": str(info.rate),
            "start_timecode": info.start_timecode or "",
            "pixel_format": info.pixel_format,
            "colour": asdict(info.colour),
            "frame_md5": [*_frame_sums(info, resolved.frames, check)],
        },
        "model": None if resolved.is_source else _model(resolved),
        "settings": {
            **request.changed(),
            "seed": request.seed,
            "steps": choices.steps,
            "sampler": choices.sampler,
            "model_options": dict(choices.model_options),
            "method": asdict(choices.method),
        },
        "working_space": {
            "name": resolved.working_space.name,
            "conversion": asdict(_read_as(info)),
        },
        "versions": {"answerprint": __version__, "ffmpeg": av.ffmpeg_version_info, **_versions()},
        "warnings": list(resolved.notices),
        "deliverable": {
            "path": request.output,
            "codec": resolved.codec,
            "size": list(resolved.size),
            "files": [_file(file, check) for file in made],
            "frame_md5": [*_frame_sums(probe(request.output, info.rate), None, check)],
        },
        "note": resolved.made_by,
    }


def _model(resolved: ResolvedJob) -> Message:
    entry = resolved.entry
    return {
        "name": entry.name,
        "version": entry.version,
        "licence": entry.licence,
        "weights_sha256": resolved.weights,
    }


def _read_as(info: ClipInfo) -> ColourTags:
    """The tags by which values were read, those that are assumed among them; R'G'B' has no matrix, and is full."""
    tags = resolve_colour(info.colour, info.height)
    return replace(tags, matrix="gbr", range=info.levels or "pc") if is_rgb(info.pixel_format) else tags


def _versions() -> dict[str, str]:
    found = {}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _file(path: Path, check: Callable[[], None]) -> Message:
    check()
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            size = os.fstat(file.fileno()).st_size
    except OSError as error:
        raise MediaError(f"{path} cannot be read ({error.strerror}).", "Check the path.") from error
    return {"name": path.name, "bytes": size, "sha256": digest}


def _frame_sums(info: ClipInfo, frames: FrameRange | None, check: Callable[[], None]) -> Iterator[list[object]]:
    """[number, MD5] of each decoded frame, as `ffmpeg -f framemd5` sums it: its planes without padding."""
    wanted = stored_range(info, frames or info.whole)
    for index, frame in read_from(info, wanted.start):
        check()
        if index >= wanted.stop:
            return
        if index in wanted:
            with reading(info.path):
                yield [index, _sum(frame)]


def _sum(frame: VideoFrame) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    for number, plane in enumerate(frame.planes):
        row, data = _row_bytes(frame, number), memoryview(plane)
        for line in range(plane.height):
            digest.update(data[line * plane.line_size : line * plane.line_size + row])
    return digest.hexdigest()


def _row_bytes(frame: VideoFrame, number: int) -> int:
    """Bytes of a row of a plane, without padding."""
    width = frame.planes[number].width
    if len(frame.planes) == 1:
        return width * frame.format.padded_bits_per_pixel // 8
    samples = 2 if len(frame.planes) == 2 and number == 1 else 1  # Cb and Cr in one plane, as in nv12
    return width * samples * (-(-max(component.bits for component in frame.format.components) // 8))
