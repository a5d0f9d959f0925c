"""What the daemon tells of a job, as the events that a restoration shows and `--json` prints."""

from __future__ import annotations

from collections.abc import Iterator

from answerprint.api.job import JobEvent, JobState
from answerprint.errors import CancelledError, JobFailedError
from answerprint.ipc import events
from answerprint.ipc.messages import Message

__all__ = ["QUEUE", "EventFormatter", "waiting"]

QUEUE = "queue"
"""The stage of a job that waits for its turn."""


def waiting(message: str) -> Message:
    """The job has its turn later."""
    return {"event": "stage", "stage": QUEUE, "message": message}


class EventFormatter:
    """Turns happenings into started, stage, progress, chunk and warning, and in the end done or error.

    A failed job may have been queued again since: its end is told when nothing follows, by `ending`.
    """

    def __init__(self, job: str, number: int) -> None:
        self._job, self._number = job, number
        self._stage = ""
        self._begun = False
        self.ending: Message | None = None
        """The final event, once the job has ended."""

    def tell(self, happening: JobEvent) -> Iterator[Message]:
        """Yield the events, none or more, that say what happened."""
        event = happening.event
        name = event["event"]
        self.ending = None
        if name == "done":
            self.ending = event
        elif name == "state":
            yield from self._state(str(event["state"]), event.get("problem"))
        elif name == "adapted":
            yield events.warning(event["message"])
        elif name == "started":
            self._begun = True
            yield {**event, "job": self._job, "number": self._number}
        elif name == "stage":
            yield from self._stage_begins(event)
        else:
            yield event

    def _state(self, state: str, problem: Message | None) -> Iterator[Message]:
        if state == JobState.QUEUED.value and self._begun:
            yield from self._stage_begins(waiting("waiting for its turn"))
        elif state == JobState.PAUSED.value:
            self._stage = ""
            yield events.warning(self._why_paused(problem))
        elif state == JobState.FAILED.value:
            failed = events.error(JobFailedError(f"Job {self._number} failed."))
            self.ending = failed | (problem or {})
        elif state == JobState.CANCELLED.value:
            self.ending = events.error(CancelledError(f"Job {self._number} was cancelled."))

    def _stage_begins(self, event: Message) -> Iterator[Message]:
        """Stages are not kept by the daemon: one may be missing, and one that was told may come again."""
        key = f"{event['stage']} {event['message']}"
        if key != self._stage:
            self._stage = key
            yield event

    def _why_paused(self, problem: Message | None) -> str:
        if problem is None:
            return f"The job is paused. To go on: answerprint jobs resume {self._number}"
        return f"Paused: {problem['message']} {problem['remedy']}".rstrip()
