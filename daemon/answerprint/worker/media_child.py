"""The child that opens media for the parent: probing, frames and deliverables. Imports no torch."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence

import av

from answerprint.api.clip_ref import ClipRef
from answerprint.api.request import PreviewRequest, RestoreRequest
from answerprint.errors import AnswerprintError, CancelledError, InputError, JobFailedError
from answerprint.frames import ClipInfo
from answerprint.frames.codecs import DEFAULT_CODEC, codec_named
from answerprint.ipc import events
from answerprint.ipc.channel import ChildChannel
from answerprint.ipc.messages import Message, MessageError
from answerprint.media import found_fields, remember_fields
from answerprint.media.inspection import inspect_media
from answerprint.media.provenance import MADE_BY_KEY, read_provenance
from answerprint.worker.fill_job import FillTask, fill_frames
from answerprint.worker.frame_job import StillTask, make_still
from answerprint.worker.mux_job import DeliverTask, deliver
from answerprint.worker.progress import tell_reading
from answerprint.worker.requests import Inbox, JobChannel, Request, StopRequestedError
from answerprint.worker.resolved_job import few_frames, read_source, resolve_job

__all__ = ["main"]


_LAST_SECONDS = 20.0
"""Time to clean up after the parent has gone. A deliverable begun must leave the user's folder, which takes long on a
busy machine; only a process that hangs waits for it."""


def main(argv: Sequence[str] = ()) -> int:
    """Serve until the parent sends `exit` or goes away; returns the exit code."""
    channel = ChildChannel.open()
    try:
        channel.request()
        inbox = Inbox(channel, last_seconds=_LAST_SECONDS)
        inbox.listen()
        libraries = {"av": str(av.__version__), "ffmpeg": str(av.ffmpeg_version_info)}
        channel.emit(events.ready(os.getpid(), "", [], libraries))
        while (request := inbox.take()) is None or request.kind != "exit":
            if request is not None:
                _answer(request, channel)
    except AnswerprintError as error:
        channel.emit(events.error(error))
        return error.exit_code
    except MessageError as error:
        channel.emit(events.error(JobFailedError(f"The request could not be read: {error}.")))
        return JobFailedError.exit_code
    return 0


def _answer(request: Request, child: ChildChannel) -> None:
    """Handle one request; every event carries its id, and the job's if it has one."""
    message = request.message
    channel = JobChannel(child.emit, request.controls, {key: message[key] for key in ("id", "job") if key in message})
    try:
        remember_fields(message.get("fields"))
        work = _WORK.get(request.kind)
        if work is None:
            raise InputError(f"Unknown request type {request.kind!r}.")
        final = work(message, channel)
    except StopRequestedError:
        final = events.stopped(at_border=False)
    except CancelledError:
        raise  # SIGTERM
    except AnswerprintError as error:
        final = events.error(error)
    except MemoryError:
        final = events.error(JobFailedError("Out of memory.", "Close other programs."))
    channel.emit(final)


def _probe(message: Message, channel: JobChannel) -> Message:
    asked = _request(message)
    if message.get("preview"):
        preview = PreviewRequest.from_json(asked)
        request = preview.restore
        resolved = few_frames(
            resolve_job(request, preview=True, on_read=tell_reading(request.clip.media, channel)), preview
        )
    else:
        request = RestoreRequest.from_json(asked)
        resolved = resolve_job(request, on_read=tell_reading(request.clip.media, channel))
        resolved.try_sound()  # what is lost is said when the job starts
    return events.report(
        {
            "input": resolved.input_facts(),
            "output": resolved.output_facts(),
            "size": list(resolved.size),
            "codec": resolved.codec,
            "range": [resolved.frames.start, resolved.frames.stop],
            "fields": found_fields(resolved.info),
            **resolved.estimate(),
        }
    )


def _describe(message: Message, channel: JobChannel) -> Message:
    media = str(message.get("media", ""))
    info = read_source(ClipRef(media), tell_reading(media, channel))
    return events.report(
        {
            "path": str(info.path),
            "sequence": info.kind == "sequence",
            "width": info.width,
            "height": info.height,
            "rate": str(info.rate),
            "rate_is_assumed": info.rate_is_assumed,
            "frames": info.frames,
            "pixel_aspect": str(info.sample_aspect),
            "start_timecode": info.start_timecode or "",
            "start_number": info.start_number,
            "interlaced": info.interlaced,
            "audio": info.has_audio,
            "alpha": info.has_alpha,
            "codec": info.codec,
            "bit_depth": info.bit_depth,
            "restored": _is_restored(info),
            **(_details(info, media, channel) if message.get("details") else {}),
        }
    )


def _details(info: ClipInfo, media: str, channel: JobChannel) -> Message:
    """All facts of the media, and what a restore with the default settings makes of it."""
    warnings: list[str] = []
    plan = None
    output = info.path.parent / f"restored{codec_named(DEFAULT_CODEC).suffixes[0]}"
    try:
        request = RestoreRequest(ClipRef(media), str(output))
        resolved = resolve_job(request, on_read=tell_reading(media, channel))
        info, plan, warnings = resolved.info, resolved.started(""), list(resolved.notices)
    except AnswerprintError as error:
        warnings.append(f"A restore with the default settings is refused: {error.message} {error.remedy}".rstrip())
    inspection = inspect_media(info)
    return {"facts": inspection.facts, "warnings": [*dict.fromkeys([*warnings, *inspection.warnings])], "plan": plan}


def _is_restored(info: ClipInfo) -> bool:
    """Whether the metadata of the file, or of a sequence's first picture, names Answerprint as its maker."""
    file = info.path if info.kind == "file" else next(iter(info.files), info.path)
    try:
        return bool(read_provenance(file).get(MADE_BY_KEY))
    except AnswerprintError:  # it was readable a moment ago; the rest of the description does not depend on this
        return False


def _frame(message: Message, channel: JobChannel) -> Message:
    return events.report(make_still(StillTask.from_message(message), channel))


def _fill(message: Message, channel: JobChannel) -> Message:
    return events.report(fill_frames(FillTask.from_message(message), channel))


def _mux(message: Message, channel: JobChannel) -> Message:
    return deliver(DeliverTask.from_message(message), channel)


_WORK: Mapping[str, Callable[[Message, JobChannel], Message]] = {
    "probe": _probe,
    "describe": _describe,
    "frame": _frame,
    "fill": _fill,
    "mux": _mux,
}


def _request(message: Message) -> Message:
    request = message.get("request")
    if not isinstance(request, dict):
        raise InputError("The message has no request.")
    return request
