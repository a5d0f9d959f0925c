"""All details of a job, as lines of text or as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

from answerprint.api.job import JobRecord, JobState
from answerprint.cli.jobs.view import JobView
from answerprint.cli.jobs.words import about, frames_done, frames_words, job_name, size_words
from answerprint.cli.times import clock_words, duration
from answerprint.frames.clip import DamagePolicy
from answerprint.ipc.messages import Message
from answerprint.text import counted, plain

__all__ = ["as_json", "details", "settings_words", "warnings_in"]

# Only the daemon uses these fields; a client has their defaults.
_INNER = frozenset({"lane", "position", "fingerprint", "rung", "failures", "facts", "result"})

_LATEST_WARNINGS = 5


def as_json(view: JobView) -> Message:
    """A job as one JSON object; times are in seconds since 1970."""
    job = view.job
    known = {name: value for name, value in asdict(job).items() if name not in _INNER} | {"clip": job.clip.to_json()}
    sizes = {"scratch_bytes": _scratch_bytes(job), "scratch_estimate_bytes": _scratch_most(job)}
    return {
        **known,
        "state": job.state.value,
        "frames_done": frames_done(job),
        "input": job.input,
        "output": job.output,
        **sizes,
        "progress": view.progress,
    }


def details(view: JobView, history: Sequence[Message], now: datetime | None = None) -> Mapping[str, str]:
    """Lines by name. history: the job's recorded events."""
    job, problem = view.job, view.job.problem or {}
    chunks = [event for event in history if event["event"] == "chunk"]
    warnings = warnings_in(history)
    lines = {
        "job": f"{job_name(job)}, {job.id}",
        "state": job.state.value,
        "about": "" if problem or job.ended_state else about(view, now),
        "problem": str(problem.get("message", "")),
        "remedy": str(problem.get("remedy", "")),
        "input": job.input,
        "output": job.output,
        "settings": settings_words(job.request),
        "frames": f"{frames_words(job)}, in {counted(len(chunks), 'chunk')}" if job.frames_total else "not known yet",
        "priority": str(job.priority),
        **{name: clock_words(moment, now) for name, moment in _moments(job).items() if moment is not None},
        "work": duration(job.seconds) if job.seconds else "",
        "scratch": _scratch(job, chunks),
        "motion": _motion(chunks),
    }
    # One line each: a file name with a line break must not start another.
    shown = {name: plain(text) for name, text in lines.items()}
    shown["warnings"] = "\n".join(map(plain, warnings[-_LATEST_WARNINGS:]))
    return {name: text for name, text in shown.items() if text}


def warnings_in(history: Sequence[Message]) -> list[str]:
    """What a job's recorded events warn of, each once."""
    found = (str(event["message"]) for event in history if event["event"] in ("warning", "adapted"))
    return list(dict.fromkeys(found))


def settings_words(request: Message) -> str:
    """The settings of a request, nearly as they were typed."""
    special = {"input", "output", "options", "interpret", "consistency", "overwrite", "sidecar", "framemd5", "size"}
    special |= {"damaged"} if request.get("damaged") == DamagePolicy.KEEP else set()
    words = [
        f"{name.replace('_', ' ')} {format(value, 'g') if isinstance(value, float) else value}"
        for name, value in request.items()
        if name not in special and value is not None
    ]
    if request.get("size"):
        words.append("size {}x{}".format(*request["size"]))
    words += [f"{name}={value}" for name, value in (request.get("options") or {}).items()]
    read = dict(request.get("interpret") or {})
    words += ["no audio"] if read.pop("sound", "") == "no" else []
    words += [f"{'timecode' if name == 'start_timecode' else name.replace('_', ' ')} {read[name]}" for name in read]
    words += ["no consistency"] if not request.get("consistency", True) else []
    words += [name for name in ("overwrite", "sidecar", "framemd5") if request.get(name)]
    return ", ".join(words)


def _moments(job: JobRecord) -> dict[str, float | None]:
    return {"queued": job.created, "not before": job.not_before, "started": job.started, "ended": job.ended}


def _scratch(job: JobRecord, chunks: Sequence[Message]) -> str:
    """Disk space of its chunks. A failed job keeps them for a retry."""
    if job.state in (JobState.DONE, JobState.CANCELLED):
        return ""
    size = _scratch_bytes(job) or sum(int(chunk["receipt"]["segment"].get("bytes", 0)) for chunk in chunks)
    most = _scratch_most(job)
    return "" if not (size or most) else size_words(size) + (f" of up to {size_words(most)}" if most else "")


def _scratch_bytes(job: JobRecord) -> int:
    return int(job.facts.get("scratch_bytes") or 0)


def _scratch_most(job: JobRecord) -> int:
    return int((job.facts.get("estimate") or {}).get("scratch_bytes") or 0)


def _motion(chunks: Sequence[Message]) -> str:
    hits = sum(int(chunk["flow_cache"]["hits"]) for chunk in chunks)
    misses = sum(int(chunk["flow_cache"]["misses"]) for chunk in chunks)
    return f"{counted(hits, 'frame pair')} from the cache, {misses} measured" if hits or misses else ""
