"""The time that a job will take, from one like it that was done before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from answerprint.api.job import JobRecord
from answerprint.ipc.messages import Message

__all__ = ["expected_seconds"]

_ALIKE = ("task", "steps", "chunk", "noise", "consistency", "options")
"""Settings on which the time of a frame depends, besides the model, the device and the size."""


def expected_seconds(done: Iterable[JobRecord], plan: Message, request: Message) -> float | None:
    """Seconds of work that `plan`, a `started` event of `request`, will take; None if nothing like it was done.

    done: jobs, the latest first. A job is alike if model, device and settings are the same; a plan without a device
    takes any. Time grows with the pixels of the larger of source and result.
    """
    for job in done:
        facts, seconds = job.facts, job.result.get("seconds")
        if job.kind != "restore" or not seconds or facts.get("model") != plan.get("model"):
            continue
        if plan.get("device") and facts.get("device") != plan["device"]:
            continue
        if any(job.request.get(name) != request.get(name) for name in _ALIKE):
            continue
        if (before := _pixels(facts)) and (pixels := _pixels(plan)):
            return round(float(seconds) * pixels / before, 1)
    return None


def _pixels(plan: Mapping[str, Any]) -> int:
    """Pixels of all frames; 0 if the plan does not say."""
    first, stop = plan.get("input", {}).get("range", (0, 0))
    sides = [plan.get(name, {}) for name in ("input", "output")]
    largest: int = max(int(side.get("width", 0)) * int(side.get("height", 0)) for side in sides)
    return int(stop - first) * largest
