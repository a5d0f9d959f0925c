"""The child that opens media for the parent: it probes, shows frames and writes deliverables. It loads no torch."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence

import av

from answerprint.api.request import PreviewRequest, RestoreRequest
from answerprint.errors import AnswerprintError, CancelledError, InputError, JobFailedError
from answerprint.frames import ClipInfo
from answerprint.ipc import events
from answerprint.ipc.channel import ChildChannel
from answerprint.ipc.messages import Message, MessageError
from answerprint.media import probe
from answerprint.media.provenance import MADE_BY_KEY, read_provenance
from answerprint.worker.frame_job import StillTask, make_still
from answerprint.worker.mux_job import DeliverTask, deliver
from answerprint.worker.progress import tell_reading
from answerprint.worker.requests import Inbox, JobChannel, Request, StopRequestedError
from answerprint.worker.resolved_job import few_frames, resolve_job

__all__ = ["main"]


def main(argv: Sequence[str] = ()) -> int:
    """Serve until the parent says so, or is gone; returns the exit code."""
    channel = ChildChannel.open()
    try:
        channel.request()
        inbox = Inbox(channel)
        inbox.listen()
        libraries = {"av": str(av.__version__), "ffmpeg": str(av.ffmpeg_version_info)}
        channel.emit(events.ready(os.getpid(), "", [], libraries))
        while (letter := inbox.take()) is None or letter.kind != "exit":
            if letter is not None:
                _answer(letter, channel)
    except AnswerprintError as error:
        channel.emit(events.error(error))
        return error.exit_code
    except MessageError as error:
        channel.emit(events.error(JobFailedError(f"The request did not arrive whole: {error}.")))
        return JobFailedError.exit_code
    return 0


def _answer(letter: Request, channel: ChildChannel) -> None:
    """Answer one message; every event carries its id, and the job's where it has one."""
    message = letter.message
    talk = JobChannel(channel.emit, letter.wishes, {key: message[key] for key in ("id", "job") if key in message})
    try:
        work = _WORK.get(letter.kind)
        if work is None:
            raise InputError(f"There is no question of type {letter.kind!r}.")
        final = work(message, talk)
    except StopRequestedError:
        final = events.stopped(at_border=False)
    except CancelledError:
        raise  # SIGTERM
    except AnswerprintError as error:
        final = events.error(error)
    except MemoryError:
        final = events.error(JobFailedError("Memory ran out.", "Close other programs."))
    talk.emit(final)


def _probe(message: Message, talk: JobChannel) -> Message:
    asked = _request(message)
    if message.get("preview"):
        preview = PreviewRequest.from_json(asked)
        request = preview.restore
        order = few_frames(resolve_job(request, preview=True, on_read=tell_reading(request.clip.media, talk)), preview)
    else:
        request = RestoreRequest.from_json(asked)
        order = resolve_job(request, on_read=tell_reading(request.clip.media, talk))
    return events.report(
        {
            "input": order.input_facts(),
            "output": order.output_facts(),
            "size": list(order.size),
            "codec": order.codec,
            "range": [order.frames.start, order.frames.stop],
            **order.estimate(),
        }
    )


def _describe(message: Message, talk: JobChannel) -> Message:
    media = str(message.get("media", ""))
    info = probe(media, on_read=tell_reading(media, talk))
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
        }
    )


def _is_restored(info: ClipInfo) -> bool:
    """Whether the file, or a sequence's first picture, says that it was made here."""
    file = info.path if info.kind == "file" else next(iter(info.files), info.path)
    try:
        return bool(read_provenance(file).get(MADE_BY_KEY))
    except AnswerprintError:  # it was readable a moment ago, and what it is does not depend on this
        return False


def _frame(message: Message, talk: JobChannel) -> Message:
    return events.report(make_still(StillTask.from_message(message), talk))


def _mux(message: Message, talk: JobChannel) -> Message:
    return deliver(DeliverTask.from_message(message), talk)


_WORK: Mapping[str, Callable[[Message, JobChannel], Message]] = {
    "probe": _probe,
    "describe": _describe,
    "frame": _frame,
    "mux": _mux,
}


def _request(message: Message) -> Message:
    request = message.get("request")
    if not isinstance(request, dict):
        raise InputError("The question names no request.")
    return request
