"""What a child says while it works; the same objects are the lines of `--json`. Standard library only.

started, stage, progress, warning, chunk and adapted come in any number; exactly one of `FINAL` comes last: done or
error for a job, rendered for one whose chunks are all on disk, stopped for one that was told to stop, report for a
question. Children that serve many jobs say ready first and models when what is warm has changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypedDict

from answerprint.errors import AnswerprintError
from answerprint.ipc.messages import Message, MessageError

__all__ = [
    "FINAL",
    "FlowCounts",
    "InputFacts",
    "OutputFacts",
    "Stage",
    "adapted",
    "check_event",
    "chunk",
    "done",
    "error",
    "models",
    "progress",
    "ready",
    "rendered",
    "report",
    "stage",
    "started",
    "stopped",
    "warning",
]

Stage = Literal["probe", "load", "decode", "flow", "denoise", "write", "mux", "verify"]

FINAL = frozenset({"done", "error", "report", "stopped", "rendered"})


class InputFacts(TypedDict):
    """The source: `rate` as exact text such as 24000/1001, `range` first frame and the one after the last."""

    path: str
    width: int
    height: int
    rate: str
    frames: int
    range: tuple[int, int]


class OutputFacts(TypedDict):
    """The deliverable: size in px, codec by name, absolute path or pattern."""

    path: str
    width: int
    height: int
    codec: str


class FlowCounts(TypedDict):
    """Flow pairs that were found in the cache, and that were estimated."""

    hits: int
    misses: int


def started(
    source: InputFacts, output: OutputFacts, *, model: str, device: str, estimate: Mapping[str, object] | None = None
) -> Message:
    """The job is understood and possible. estimate: what it will take, such as memory_bytes, where it is known."""
    return {
        "event": "started",
        "input": dict(source),
        "output": dict(output),
        "model": model,
        "device": device,
        "estimate": dict(estimate or {}),
    }


def stage(name: Stage, message: str = "") -> Message:
    """A part of the work begins."""
    return {"event": "stage", "stage": name, "message": message}


def progress(
    name: Stage,
    frames_done: int,
    frames_total: int,
    *,
    seconds_per_frame: float | None = None,
    eta_seconds: float | None = None,
    chunk: int = 0,
    step: int = 0,
    steps: int = 0,
) -> Message:
    """So far: whole frames, and in the running chunk `step` of `steps`. Unknown times are None."""
    return {
        "event": "progress",
        "stage": name,
        "frames_done": frames_done,
        "frames_total": frames_total,
        "seconds_per_frame": seconds_per_frame,
        "eta_seconds": eta_seconds,
        "chunk": chunk,
        "step": step,
        "steps": steps,
    }


def warning(message: str) -> Message:
    """Something that the user should know, and that does not end the job."""
    return {"event": "warning", "message": message}


def done(
    output: str,
    frames: int,
    seconds: float,
    *,
    flow_cache: FlowCounts,
    peak_memory_bytes: int | None,
    stages: Mapping[str, float] | None = None,
    files: Sequence[str] = (),
) -> Message:
    """The deliverable is complete under its name. stages: seconds by stage. files: of a preview, its pictures."""
    message: Message = {
        "event": "done",
        "output": output,
        "frames": frames,
        "seconds": round(seconds, 3),
        "seconds_per_frame": round(seconds / frames, 4) if frames else None,
        "flow_cache": dict(flow_cache),
        "peak_memory_bytes": peak_memory_bytes,
        "stages": {name: round(value, 3) for name, value in (stages or {}).items()},
    }
    if files:
        message["files"] = list(files)
    return message


def chunk(
    receipt: Mapping[str, object], seconds: float, *, flow_cache: FlowCounts, frames_done: int, frames_total: int
) -> Message:
    """A chunk is complete on disk. flow_cache: of this chunk. frames_done: of the clip, this chunk included."""
    return {
        "event": "chunk",
        "receipt": dict(receipt),
        "seconds": round(seconds, 3),
        "flow_cache": dict(flow_cache),
        "frames_done": frames_done,
        "frames_total": frames_total,
    }


def adapted(rung: int, message: str) -> Message:
    """Memory ran out, and the clip goes on in a way that takes less; `rung` counts the ways, 0 is the usual one."""
    return {"event": "adapted", "rung": rung, "message": message}


def rendered(frames: int, seconds: float, *, peak_memory_bytes: int | None, stages: Mapping[str, float]) -> Message:
    """All chunks of a clip are complete on disk. frames, seconds, stages: of this run."""
    return {
        "event": "rendered",
        "frames": frames,
        "seconds": round(seconds, 3),
        "peak_memory_bytes": peak_memory_bytes,
        "stages": {name: round(value, 3) for name, value in stages.items()},
    }


def stopped(at_border: bool) -> Message:
    """The job was told to stop, and did: between two chunks, or in one that is given up."""
    return {"event": "stopped", "at_border": at_border}


def ready(pid: int, device: str, devices: Sequence[Mapping[str, object]], libraries: Mapping[str, str]) -> Message:
    """The child takes jobs. device: the one it works on; devices: all there are, each with name, about and bytes."""
    return {
        "event": "ready",
        "pid": pid,
        "device": device,
        "devices": [dict(each) for each in devices],
        "libraries": dict(libraries),
    }


def models(warm: Sequence[Mapping[str, object]], total_bytes: int | None, free_bytes: int | None) -> Message:
    """What a device holds now. warm: each with model, bytes (measured) and load_seconds."""
    return {
        "event": "models",
        "warm": [dict(each) for each in warm],
        "total_bytes": total_bytes,
        "free_bytes": free_bytes,
    }


def error(cause: AnswerprintError) -> Message:
    """The job has ended without a deliverable."""
    return {
        "event": "error",
        "code": cause.code,
        "message": cause.message,
        "remedy": cause.remedy,
        "exit_code": cause.exit_code,
        **cause.details,
    }


def report(facts: Mapping[str, object]) -> Message:
    """The answer to a question."""
    return {"event": "report", "facts": dict(facts)}


_REQUIRED: Mapping[str, Mapping[str, type | tuple[type, ...]]] = {
    "started": {"input": dict, "output": dict},
    "stage": {"stage": str},
    "progress": {"frames_done": int, "frames_total": int},
    "warning": {"message": str},
    "done": {"output": str, "frames": int, "seconds": (int, float)},
    "error": {"code": str, "message": str, "remedy": str, "exit_code": int},
    "report": {"facts": dict},
    "chunk": {"receipt": dict, "seconds": (int, float), "frames_done": int, "frames_total": int},
    "adapted": {"rung": int, "message": str},
    "rendered": {"frames": int, "seconds": (int, float)},
    "stopped": {"at_border": bool},
    "ready": {"pid": int, "device": str, "devices": list},
    "models": {"warm": list},
}


def check_event(message: Message) -> Message:
    """Return a message that is an event with what a reader relies on; raises MessageError for any other."""
    name = message.get("event")
    required = _REQUIRED.get(name) if isinstance(name, str) else None
    if required is None:
        raise MessageError(f"{name!r} is no event")
    for key, kind in required.items():
        if not isinstance(message.get(key), kind):
            raise MessageError(f"the event {name} has no proper {key}")
    return message
