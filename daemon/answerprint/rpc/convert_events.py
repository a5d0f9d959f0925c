"""Converts a job's events between `ipc.events` and the protocol."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from answerprint.api.job import JobEvent, JobState
from answerprint.ipc import events
from answerprint.ipc.messages import Message
from answerprint.rpc.v1 import restoration_pb2 as pb
from answerprint.rpc.values import (
    carried_text,
    count,
    flow_counts,
    fraction_text,
    number,
    rational,
    seconds_from,
    timestamp,
)

__all__ = ["job_event_from", "job_event_to", "problem_from", "problem_to", "progress_from", "progress_to", "state_from",
           "state_to"]  # fmt: skip

_STATES: Mapping[int, JobState] = MappingProxyType(
    {pb.JobState.Value(f"JOB_STATE_{state.name}"): state for state in JobState}
)


def state_to(state: JobState) -> str:
    """The protocol's name of a state, which its messages take for the number."""
    return f"JOB_STATE_{state.name}"


def state_from(value: int) -> JobState | None:
    """The state of a number; None for unspecified, and for one of a later version."""
    return _STATES.get(value)


def job_event_to(happening: JobEvent) -> pb.JobEvent | None:
    """The protocol's form; None for what is between the daemon and its children only."""
    event = happening.event
    convert = _TO.get(str(event.get("event")))
    if convert is None:
        return None
    field, body = convert(event)
    message = pb.JobEvent(sequence=count(happening.sequence), at=timestamp(happening.at))
    getattr(message, field).CopyFrom(body)
    return message


def job_event_from(message: pb.JobEvent) -> JobEvent | None:
    """What the protocol's form says; None for a kind that this version does not know."""
    kind = message.WhichOneof("body")
    if kind is None:
        return None
    event = _FROM[kind](getattr(message, kind))
    return JobEvent(message.sequence, seconds_from(message, "at") or 0.0, event)


def problem_to(problem: Message | None) -> pb.Problem | None:
    """Why a job is paused, or failed."""
    if problem is None:
        return None
    return pb.Problem(
        code=carried_text(problem.get("code")),
        message=carried_text(problem.get("message")),
        remedy=carried_text(problem.get("remedy")),
        exit_code=min(count(problem.get("exit_code")), 255),
        needed_bytes=count(problem.get("needed_bytes")),
        folder=carried_text(problem.get("folder")),
    )


def problem_from(message: Any) -> Message | None:  # noqa: ANN401 - a message with an optional problem
    """The problem of a message, as the journal has it."""
    if not message.HasField("problem"):
        return None
    problem: pb.Problem = message.problem
    facts: Message = {
        "code": problem.code,
        "message": problem.message,
        "remedy": problem.remedy,
        "exit_code": problem.exit_code,
    }
    if problem.needed_bytes or problem.folder:
        facts |= {"needed_bytes": problem.needed_bytes, "folder": problem.folder}
    return facts


def progress_to(event: Mapping[str, Any]) -> pb.Progress:
    """The live progress of a job."""
    return pb.Progress(
        stage=carried_text(event.get("stage")),
        frames_done=count(event.get("frames_done")),
        frames_total=count(event.get("frames_total")),
        seconds_per_frame=number(event.get("seconds_per_frame")),
        eta_seconds=number(event.get("eta_seconds")),
        **{name: _small(event.get(name)) for name in ("chunk", "step", "steps")},
    )


def progress_from(message: pb.Progress) -> Message:
    """The event again."""
    return {
        "event": "progress",
        "stage": message.stage,
        "frames_done": message.frames_done,
        "frames_total": message.frames_total,
        "seconds_per_frame": message.seconds_per_frame if message.HasField("seconds_per_frame") else None,
        "eta_seconds": message.eta_seconds if message.HasField("eta_seconds") else None,
        "chunk": message.chunk,
        "step": message.step,
        "steps": message.steps,
    }


def _small(value: object) -> int:
    return min(count(value), 2**32 - 1)


def _state_to(event: Message) -> tuple[str, pb.StateChanged]:
    return "state", pb.StateChanged(state=state_to(JobState(event["state"])), problem=problem_to(event.get("problem")))


def _state_from(message: pb.StateChanged) -> Message:
    state = state_from(message.state)
    return {"event": "state", "state": state.value if state else "", "problem": problem_from(message)}


def understood_to(event: Message) -> pb.Understood:
    """What a job will do, from its `started` event."""
    source, output, estimate = event.get("input") or {}, event.get("output") or {}, event.get("estimate") or {}
    first, stop = source.get("range") or (0, 0)
    return pb.Understood(
        width=_small(source.get("width")),
        height=_small(source.get("height")),
        rate=rational(source.get("rate")),
        frames=count(source.get("frames")),
        range=pb.FrameRange(first=count(first), stop=count(stop)),
        output_width=_small(output.get("width")),
        output_height=_small(output.get("height")),
        codec=carried_text(output.get("codec")),
        model=carried_text(event.get("model")),
        device=carried_text(event.get("device")),
        media=carried_text(source.get("path")),
        output=carried_text(output.get("path")),
        seconds=number(estimate.get("seconds")),
        working_space=carried_text(event.get("working_space")),
        **{name: count(estimate.get(name)) for name in _ESTIMATES},
    )


_ESTIMATES = ("memory_bytes", "scratch_bytes", "output_bytes")


def understood_from(message: pb.Understood) -> Message:
    """The event again."""
    source: events.InputFacts = {
        "path": message.media,
        "width": message.width,
        "height": message.height,
        "rate": fraction_text(message.rate) if message.HasField("rate") else "",
        "frames": message.frames,
        "range": (message.range.first, message.range.stop),
    }
    output: events.OutputFacts = {
        "path": message.output,
        "width": message.output_width,
        "height": message.output_height,
        "codec": message.codec,
    }
    estimate = {name: value for name in _ESTIMATES if (value := getattr(message, name))}
    if message.HasField("seconds"):
        estimate["seconds"] = message.seconds
    return events.started(
        source, output, model=message.model, device=message.device, estimate=estimate,
        working_space=message.working_space,
    )  # fmt: skip


def _chunk_to(event: Message) -> tuple[str, pb.ChunkDone]:
    receipt = event.get("receipt") or {}
    segment = receipt.get("segment") or {}
    hits, misses = flow_counts(event)
    return "chunk", pb.ChunkDone(
        chunk=_small(receipt.get("chunk")),
        frames=pb.FrameRange(first=count(receipt.get("first")), stop=count(receipt.get("stop"))),
        segment=carried_text(event.get("segment") or segment.get("name")),
        sha256=carried_text(segment.get("sha256")),
        bytes=count(segment.get("bytes")),
        seconds=number(event.get("seconds")) or 0.0,
        frames_done=count(event.get("frames_done")),
        frames_total=count(event.get("frames_total")),
        flow_hits=hits,
        flow_misses=misses,
    )


def _chunk_from(message: pb.ChunkDone) -> Message:
    segment = {"name": Path(message.segment).name, "bytes": message.bytes, "sha256": message.sha256}
    frames = message.frames
    receipt = {"chunk": message.chunk, "first": frames.first, "stop": frames.stop, "segment": segment}
    event = events.chunk(
        receipt,
        message.seconds,
        flow_cache={"hits": message.flow_hits, "misses": message.flow_misses},
        frames_done=message.frames_done,
        frames_total=message.frames_total,
    )
    return event | {"segment": message.segment}


def _finished_to(event: Message) -> tuple[str, pb.Finished]:
    hits, misses = flow_counts(event)
    stages = {carried_text(name): number(seconds) or 0.0 for name, seconds in (event.get("stages") or {}).items()}
    return "finished", pb.Finished(
        output=carried_text(event.get("output")),
        frames=count(event.get("frames")),
        seconds=number(event.get("seconds")) or 0.0,
        flow_hits=hits,
        flow_misses=misses,
        peak_memory_bytes=count(event.get("peak_memory_bytes")),
        files=[carried_text(file) for file in event.get("files") or ()],
        stages=stages,
        picture_sha256=carried_text(event.get("picture_sha256")),
        damaged=[pb.FrameRange(first=count(first), stop=count(stop)) for first, stop in event.get("damaged") or ()],
    )


def _finished_from(message: pb.Finished) -> Message:
    event = events.done(
        message.output,
        message.frames,
        message.seconds,
        flow_cache={"hits": message.flow_hits, "misses": message.flow_misses},
        peak_memory_bytes=message.peak_memory_bytes or None,
        stages=message.stages,
        files=message.files,
        damaged=[(run.first, run.stop) for run in message.damaged],
    )
    return event | ({"picture_sha256": message.picture_sha256} if message.picture_sha256 else {})


_TO: Mapping[str, Callable[[Message], tuple[str, Any]]] = MappingProxyType(
    {
        "state": _state_to,
        "started": lambda e: ("understood", understood_to(e)),
        "stage": lambda e: (
            "stage",
            pb.StageBegan(stage=carried_text(e.get("stage")), message=carried_text(e.get("message"))),
        ),
        "progress": lambda e: ("progress", progress_to(e)),
        "chunk": _chunk_to,
        "warning": lambda e: ("warning", pb.Warning(message=carried_text(e.get("message")))),
        "adapted": lambda e: (
            "adapted",
            pb.Adapted(message=carried_text(e.get("message")), rung=_small(e.get("rung"))),
        ),
        "done": _finished_to,
    }
)

_FROM: Mapping[str, Callable[[Any], Message]] = MappingProxyType(
    {
        "state": _state_from,
        "understood": understood_from,
        "stage": lambda m: {"event": "stage", "stage": m.stage, "message": m.message},
        "progress": progress_from,
        "chunk": _chunk_from,
        "warning": lambda m: events.warning(m.message),
        "adapted": lambda m: events.adapted(m.rung, m.message),
        "finished": _finished_from,
    }
)
