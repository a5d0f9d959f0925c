"""The child that puts restored parts of a clip together: frames are copied as they are, none is encoded again."""

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
            raise InputError(f"The parts are not described properly ({error}).") from error


def join(task: JoinTask) -> Message:
    """Write one file of the parts, each frame from the first part that holds it; returns the final event.

    Raises InputError for parts that leave a gap, and what writing and reading raise.
    """
    began = time.monotonic()
    order = resolve_job(task.request)
    source = SameSource(order)  # whose sound is taken
    pieces = _pieces(order.frames, task.parts)
    output = Path(task.request.output)
    check_output(output, order.codec, order.info, task.request.overwrite, order.frames)
    spec = order.spec()
    with open_writer(output, spec, Hooks(confirm=source.check)) as writer:
        if not isinstance(writer, MovieWriter):
            raise OutputError("Sequences need not be joined.", "Name a file.")
        for path, frames in pieces:
            writer.copy(path, frames)
    verify_deliverable(order, spec)
    return events.done(
        task.request.output,
        len(order.frames),
        time.monotonic() - began,
        flow_cache={"hits": 0, "misses": 0},
        peak_memory_bytes=None,
        stages={},
    )


def _pieces(wanted: FrameRange, parts: Sequence[tuple[Path, FrameRange]]) -> list[tuple[Path, FrameRange]]:
    """Which frames to take of which file, counted from that file's own first one."""
    pieces, at = [], wanted.start
    while at < wanted.stop:
        found = next(((path, held) for path, held in parts if at in held), None)
        if found is None:
            raise InputError(f"Frame {at} is in no part.", "Restore it first.")
        path, held = found
        stop = min(held.stop, wanted.stop)
        pieces.append((path, FrameRange(at - held.start, stop - held.start)))
        at = stop
    return pieces


def main(argv: Sequence[str] = ()) -> int:
    """Do the one task that comes; returns the exit code."""
    channel = ChildChannel.open()
    try:
        channel.emit(join(JoinTask.from_message(channel.request())))
    except AnswerprintError as error:
        channel.emit(events.error(error))
        return error.exit_code
    except MessageError as error:
        channel.emit(events.error(InputError(f"The request did not arrive whole: {error}.")))
        return InputError.exit_code
    return 0
