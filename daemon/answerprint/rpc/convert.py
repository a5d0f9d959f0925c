"""Converts jobs between the protocol and the program.

Requests are validated before they come here; what is refused here is what `RestoreRequest` refuses.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import json_format

from answerprint.api.clip_ref import ClipRef
from answerprint.api.job import JobKind, JobRecord, JobState
from answerprint.api.request import PreviewRequest, RestoreRequest
from answerprint.api.types import NewJob
from answerprint.errors import InputError
from answerprint.frames.frame import FrameRange
from answerprint.ipc.messages import Message
from answerprint.rpc.convert_events import problem_from, problem_to, progress_to, state_from, state_to
from answerprint.rpc.v1 import restoration_pb2 as pb
from answerprint.rpc.values import carried_text, count, seconds_from, timestamp

__all__ = ["job_from", "job_to", "new_job_from", "new_job_to"]

_DEFAULTS = RestoreRequest(ClipRef("-"), "-")
_PREVIEW_COUNT = 5

_PLAIN = frozenset({"media", "range_text"})
"""All that the command line says of a clip: very common, so it skips the slow general way through JSON."""

Asked = RestoreRequest | PreviewRequest


def new_job_from(message: pb.SubmitJobRequest) -> NewJob:
    """The job of a validated request. Raises InputError for settings that no restoration has."""
    clip = _clip_from(message.clip)
    return NewJob(
        id=message.id.lower(),
        kind=_kind(message),
        request=_asked(message, clip).to_json(),
        clip=clip,
        label=message.label,
        priority=message.priority,
        not_before=seconds_from(message, "not_before"),
        after=message.after.lower(),
    )


def new_job_to(new: NewJob) -> pb.SubmitJobRequest:
    """The request for a job. Raises InputError if it cannot be sent, such as a path that is not Unicode."""
    try:
        message = pb.SubmitJobRequest(
            id=new.id,
            priority=new.priority,
            label=new.label,
            not_before=timestamp(new.not_before),
            after=new.after,
        )
        _ask(message, new.request, new.kind, new.clip)
    except (ValueError, TypeError, json_format.ParseError) as error:
        raise InputError(f"The job cannot be sent: {error}.", "Rename files whose names are not Unicode.") from error
    return message


def job_to(record: JobRecord, progress: Message | None = None) -> pb.Job:
    """A job as clients see it."""
    estimate = record.facts.get("estimate") or {}
    message = pb.Job(
        id=record.id,
        number=count(record.number),
        label=carried_text(record.label),
        state=state_to(record.state),
        priority=record.priority,
        created=timestamp(record.created),
        started=timestamp(record.started),
        ended=timestamp(record.ended),
        not_before=timestamp(record.not_before),
        frames_total=count(record.frames_total),
        frames_done=count(record.frames_done),
        problem=problem_to(record.problem),
        last_sequence=count(record.last_sequence),
        scratch_bytes=count(record.facts.get("scratch_bytes")),
        scratch_estimate_bytes=count(estimate.get("scratch_bytes")),
        seconds=record.seconds,
        progress=None if progress is None else progress_to(progress),
    )
    _ask(message, record.request, record.kind, record.clip)
    return message


def job_from(message: pb.Job) -> JobRecord:
    """A job as a client knows it; fields that only the daemon needs have their defaults."""
    facts: Message = {}
    if message.scratch_estimate_bytes:
        facts["estimate"] = {"scratch_bytes": message.scratch_estimate_bytes}
    if message.scratch_bytes:
        facts["scratch_bytes"] = message.scratch_bytes
    clip = _clip_from(message.clip)
    return JobRecord(
        id=message.id,
        number=message.number,
        kind=_kind(message),
        label=message.label,
        state=state_from(message.state) or JobState.QUEUED,
        request=_asked(message, clip).to_json(),
        clip=clip,
        lane=message.settings.device or _DEFAULTS.device,
        priority=message.priority,
        not_before=seconds_from(message, "not_before"),
        created=seconds_from(message, "created") or 0.0,
        started=seconds_from(message, "started"),
        ended=seconds_from(message, "ended"),
        seconds=message.seconds,
        frames_total=message.frames_total,
        frames_done=message.frames_done,
        problem=problem_from(message),
        facts=facts,
        last_sequence=message.last_sequence,
    )


# Below, `message` is a SubmitJobRequest or a Job: both have clip, settings and one of deliverable and preview.


def _kind(message: Any) -> JobKind:  # noqa: ANN401
    return "preview" if message.WhichOneof("result") == "preview" else "restore"


def _asked(message: Any, clip: ClipRef) -> Asked:  # noqa: ANN401
    result = getattr(message, message.WhichOneof("result"))
    preview = _kind(message) == "preview"
    restore = RestoreRequest(
        clip=clip,
        output=result.folder if preview else result.path,
        codec=None if preview else result.codec or None,
        overwrite=result.overwrite,
        sidecar=not preview and result.sidecar,
        framemd5=not preview and result.framemd5,
        parts=() if preview else tuple((each.path, _frames(each.frames)) for each in result.parts),
        **_settings_from(message.settings),
    )
    if not preview:
        return restore
    return PreviewRequest(restore, result.frame, result.count if result.HasField("count") else _PREVIEW_COUNT)


def _ask(message: Any, request: Message, kind: JobKind, clip: ClipRef) -> None:  # noqa: ANN401
    """Fill clip, settings and result from a job's request."""
    asked: Asked = (PreviewRequest if kind == "preview" else RestoreRequest).from_json(request)
    restore = asked.restore if isinstance(asked, PreviewRequest) else asked
    message.clip.CopyFrom(_clip_to(clip if clip.media else restore.clip))
    message.settings.CopyFrom(_settings_to(restore))
    if isinstance(asked, PreviewRequest):
        message.preview.CopyFrom(
            pb.Preview(frame=asked.frame, count=asked.count, folder=restore.output, overwrite=restore.overwrite)
        )
    else:
        parts = [
            pb.RestoredPart(path=path, frames=pb.FrameRange(first=frames.start, stop=frames.stop))
            for path, frames in restore.parts
        ]
        codec = restore.codec or ""
        message.deliverable.CopyFrom(
            pb.Deliverable(
                path=restore.output,
                codec=codec,
                overwrite=restore.overwrite,
                parts=parts,
                sidecar=restore.sidecar,
                framemd5=restore.framemd5,
            )
        )


# A setting has one name in the request and in the protocol; its type there says how it is carried. A field without
# presence stands for the default when it is empty.


def _settings_to(request: RestoreRequest) -> pb.Settings:
    values: dict[str, Any] = {}
    for field in pb.Settings.DESCRIPTOR.fields:
        value = getattr(request, field.name)
        if isinstance(value, tuple) and field.message_type is not None:  # its parts, in order
            value = dict(zip((part.name for part in field.message_type.fields), value, strict=True))
        values[field.name] = value
    return pb.Settings(**values)


def _settings_from(settings: pb.Settings) -> dict[str, Any]:
    """What was set, as fields of a request; the rest is left to its defaults."""
    values: dict[str, Any] = {}
    for field in pb.Settings.DESCRIPTOR.fields:
        value = getattr(settings, field.name)
        if not (settings.HasField(field.name) if field.has_presence else value):
            continue
        if field.is_repeated:  # the map of options
            value = dict(value)
        elif field.message_type is not None:
            value = tuple(getattr(value, part.name) for part in field.message_type.fields)
        values[field.name] = value
    return values


def _frames(message: pb.FrameRange) -> FrameRange:
    return FrameRange(message.first, message.stop)


def _clip_from(message: pb.ClipRef) -> ClipRef:
    fields = message.ListFields()
    if all(field.name in _PLAIN for field, _ in fields):
        return ClipRef.from_json({field.name: value for field, value in fields})
    return ClipRef.from_json(json_format.MessageToDict(message, preserving_proto_field_name=True))


def _clip_to(clip: ClipRef) -> pb.ClipRef:
    data = clip.to_json()
    return pb.ClipRef(**data) if data.keys() <= _PLAIN else json_format.ParseDict(data, pb.ClipRef())
