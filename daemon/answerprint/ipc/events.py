"""Events that child processes send; `--json` prints most of them as they are. Standard library only.

started, stage, progress, warning, chunk and adapted may come any number of times. The last event is one of `FINAL`:
done or error for a job, rendered if all chunks of a job are on disk, stopped if it was told to stop, report for a
question. Children that serve many jobs send ready first, and models whenever the loaded models have changed.
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
    """The source. rate: exact, such as 24000/1001. range: first frame and the one after the last."""

    path: str
    width: int
    height: int
    rate: str
    frames: int
    range: tuple[int, int]


class OutputFacts(TypedDict):
    """The deliverable. path: absolute, of a file or pattern; size in px; codec: its name."""

    path: str
    width: int
    height: int
    codec: str


class FlowCounts(TypedDict):
    """Frame pairs whose flow was in the cache, and whose flow was estimated."""

    hits: int
    misses: int


def started(
    source: InputFacts,
    output: OutputFacts,
    *,
    model: str,
    device: str,
    estimate: Mapping[str, object] | None = None,
    working_space: str = "",
) -> Message:
    """The job has been checked and starts. estimate: expected resources, such as memory_bytes, if known.

    working_space: "" and left out where the values of the source are restored as they are.
    """
    return {
        "event": "started",
        "input": dict(source),
        "output": dict(output),
        "model": model,
        "device": device,
        "estimate": dict(estimate or {}),
        **({"working_space": working_space} if working_space else {}),
    }


def stage(name: Stage, message: str = "") -> Message:
    """A stage of the work starts."""
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
    """Progress: finished frames, and `step` of `steps` in the running chunk. Unknown times are None."""
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
    """Something the user should know; the job continues."""
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
    damaged: Sequence[tuple[int, int]] = (),
) -> Message:
    """The deliverable is complete. stages: seconds by stage. files: the images of a preview.

    damaged: frames that are damaged or missing in the source, each run as its first frame and the one after its last.
    """
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
    if damaged:
        message["damaged"] = [list(run) for run in damaged]
    return message


def chunk(
    receipt: Mapping[str, object], seconds: float, *, flow_cache: FlowCounts, frames_done: int, frames_total: int
) -> Message:
    """A chunk is complete on disk. flow_cache: of this chunk. frames_done: of the clip, including this chunk."""
    return {
        "event": "chunk",
        "receipt": dict(receipt),
        "seconds": round(seconds, 3),
        "flow_cache": dict(flow_cache),
        "frames_done": frames_done,
        "frames_total": frames_total,
    }


def adapted(rung: int, message: str) -> Message:
    """Memory ran out; the clip continues with a fallback that needs less. rung: its number; 0 is no fallback."""
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
    """The job was told to stop and has stopped. at_border: between two chunks; otherwise one was abandoned."""
    return {"event": "stopped", "at_border": at_border}


def ready(pid: int, device: str, devices: Sequence[Mapping[str, object]], libraries: Mapping[str, str]) -> Message:
    """The child is ready for jobs. device: the one it uses; devices: all devices, each with name, about and bytes."""
    return {
        "event": "ready",
        "pid": pid,
        "device": device,
        "devices": [dict(each) for each in devices],
        "libraries": dict(libraries),
    }


def models(warm: Sequence[Mapping[str, object]], total_bytes: int | None, free_bytes: int | None) -> Message:
    """The models loaded on a device. warm: each with model, bytes (measured) and load_seconds."""
    return {
        "event": "models",
        "warm": [dict(each) for each in warm],
        "total_bytes": total_bytes,
        "free_bytes": free_bytes,
    }


def error(cause: AnswerprintError) -> Message:
    """The job has failed."""
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
    """Return the message if it is an event with all required fields; raises MessageError otherwise."""
    name = message.get("event")
    required = _REQUIRED.get(name) if isinstance(name, str) else None
    if required is None:
        raise MessageError(f"{name!r} is not an event")
    for key, kind in required.items():
        if not isinstance(message.get(key), kind):
            raise MessageError(f"the event {name} has no valid {key}")
    return message
