"""The child that joins restored parts of a clip: frames are copied without being encoded again."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from answerprint.api.request import RestoreRequest
from answerprint.errors import AnswerprintError, InputError, OutputError
from answerprint.frames import FrameRange
from answerprint.ipc import events
from answerprint.ipc.channel import ChildChannel
from answerprint.ipc.messages import Message, MessageError
from answerprint.media import Hooks, check_output, open_writer
from answerprint.media.movie_writer import MovieWriter
from answerprint.worker.resolved_job import resolve_job, verify_deliverable
from answerprint.worker.source_check import SameSource

__all__ = ["JoinTask", "join", "main"]


@dataclass(frozen=True, slots=True)
class JoinTask:
    """request: the restoration of all frames, its range being theirs. parts: files, and the source frames they hold."""

    request: RestoreRequest
    parts: tuple[tuple[Path, FrameRange], ...]

    @classmethod
    def from_message(cls, message: Mapping[str, Any]) -> Self:
        """Read `{"request": ..., "parts": [[path, first, stop], ...]}`. Raises InputError."""
        try:
            parts = tuple((Path(path), FrameRange(first, stop)) for path, first, stop in message["parts"])
            return cls(RestoreRequest.from_json(message["request"]), parts)
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"Invalid list of parts ({error}).") from error


def join(task: JoinTask) -> Message:
    """Write one file from the parts, each frame from the first part that holds it; returns the final event.

    Raises InputError if the parts leave a gap, and what reading and writing raise.
    """
    began = time.monotonic()
    resolved = resolve_job(task.request)
    source = SameSource(resolved)  # the sound comes from it
    pieces = _pieces(resolved.frames, task.parts)
    output = Path(task.request.output)
    check_output(output, resolved.codec, resolved.info, task.request.overwrite, resolved.frames)
    spec = resolved.spec()
    with open_writer(output, spec, Hooks(confirm=source.check)) as writer:
        if not isinstance(writer, MovieWriter):
            raise OutputError("Only files can be joined, not image sequences.", "Name a file as output.")
        for path, frames in pieces:
            writer.copy(path, frames)
    verify_deliverable(resolved, spec)
    return events.done(
        task.request.output,
        len(resolved.frames),
        time.monotonic() - began,
        flow_cache={"hits": 0, "misses": 0},
        peak_memory_bytes=None,
        stages={},
    )


def _pieces(wanted: FrameRange, parts: Sequence[tuple[Path, FrameRange]]) -> list[tuple[Path, FrameRange]]:
    """The frames to take from each file, counted from the file's first frame."""
    pieces, at = [], wanted.start
    while at < wanted.stop:
        found = next(((path, held) for path, held in parts if at in held), None)
        if found is None:
            raise InputError(f"No part holds frame {at}.", "Restore it first.")
        path, held = found
        stop = min(held.stop, wanted.stop)
        pieces.append((path, FrameRange(at - held.start, stop - held.start)))
        at = stop
    return pieces


def main(argv: Sequence[str] = ()) -> int:
    """Handle one request; returns the exit code."""
    channel = ChildChannel.open()
    try:
        channel.emit(join(JoinTask.from_message(channel.request())))
    except AnswerprintError as error:
        channel.emit(events.error(error))
        return error.exit_code
    except MessageError as error:
        channel.emit(events.error(InputError(f"The request could not be read: {error}.")))
        return InputError.exit_code
    return 0
