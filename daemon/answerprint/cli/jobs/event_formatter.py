"""Turn the daemon's events of a job into the events that the terminal shows and `--json` prints."""

from __future__ import annotations

from collections.abc import Iterator

from answerprint.api.job import JobEvent, JobState
from answerprint.errors import CancelledError, JobFailedError
from answerprint.ipc import events
from answerprint.ipc.messages import Message

__all__ = ["QUEUE", "EventFormatter", "waiting"]

QUEUE = "queue"
"""The stage of a job that waits in the queue."""


def waiting(message: str) -> Message:
    """A stage event of a job that waits in the queue."""
    return {"event": "stage", "stage": QUEUE, "message": message}


class EventFormatter:
    """Turns job events into started, stage, progress, chunk and warning events; `ending` is done or error.

    `ending` is separate because a failed job may have been queued again since: it is final only if nothing follows.
    """

    def __init__(self, job: str, number: int) -> None:
        self._job, self._number = job, number
        self._stage = ""
        self._begun = False
        self.ending: Message | None = None
        """The final event, once the job has ended."""

    def format(self, job_event: JobEvent) -> Iterator[Message]:
        """Yield the events to show for a job event: none or more."""
        event = job_event.event
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
            yield from self._new_stage(event)
        else:
            yield event

    def _state(self, state: str, problem: Message | None) -> Iterator[Message]:
        if state == JobState.QUEUED.value and self._begun:
            yield from self._new_stage(waiting("waiting in the queue"))
        elif state == JobState.PAUSED.value:
            self._stage = ""
            yield events.warning(self._paused_words(problem))
        elif state == JobState.FAILED.value:
            failed = events.error(JobFailedError(f"Job {self._number} failed."))
            self.ending = failed | (problem or {})
        elif state == JobState.CANCELLED.value:
            self.ending = events.error(CancelledError(f"Job {self._number} was cancelled."))

    def _new_stage(self, event: Message) -> Iterator[Message]:
        """Yield a stage event unless it repeats the last one: the daemon may send a stage again after a reconnect."""
        key = f"{event['stage']} {event['message']}"
        if key != self._stage:
            self._stage = key
            yield event

    def _paused_words(self, problem: Message | None) -> str:
        if problem is None:
            return f"The job is paused. To resume it: answerprint jobs resume {self._number}"
        return f"Paused: {problem['message']} {problem['remedy']}".rstrip()
