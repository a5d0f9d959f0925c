"""Passes the events of jobs to their watchers; a slow watcher never slows a job."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from answerprint.api.job import JobEvent
from answerprint.api.types import BusyError
from answerprint.errors import NoDaemonError
from answerprint.ipc.messages import Message

__all__ = ["LIVE", "MOST_BEHIND", "EventHub", "Watcher"]

MOST_BEHIND = 1000
"""A watcher this many recorded events behind is dropped; it may watch again from its last sequence number."""

LIVE = ("stage", "progress")
"""Events that are not recorded; only the latest of each kind counts."""


class Watcher:
    """The pending events of one watcher, in order. A live event replaces an older one of its kind."""

    def __init__(self, live: Iterable[JobEvent] = ()) -> None:
        """live: the latest live events of the job."""
        self._waiting: dict[object, JobEvent] = {}
        self._kept = 0
        self._lost = False
        self._ended = False
        self._changed = asyncio.Event()
        for job_event in live:
            self.put(job_event)

    def put(self, job_event: JobEvent) -> None:
        """Add an event; never waits."""
        kind = str(job_event.event["event"])
        if kind in LIVE:
            self._waiting.pop(kind, None)
            self._waiting[kind] = job_event
        elif self._lost or self._kept >= MOST_BEHIND:
            self._lost = True  # drop all later ones too, or there would be an unnoticed gap
        else:
            self._waiting[job_event.sequence] = job_event
            self._kept += 1
        self._changed.set()

    def end(self) -> None:
        """No more events will come."""
        self._ended = True
        self._changed.set()

    async def next(self) -> JobEvent:
        """Return the next event. Raises BusyError if events were lost, NoDaemonError if the daemon stops."""
        while True:
            if self._lost and not self._kept:
                raise BusyError("The watcher is too far behind.", "Watch again from the last sequence number received.")
            if self._waiting:
                key = next(iter(self._waiting))
                self._kept -= key not in LIVE
                return self._waiting.pop(key)
            if self._ended:
                raise NoDaemonError("The daemon is stopping.", "Watch again after it has restarted.")
            self._changed.clear()
            await self._changed.wait()


@dataclass(slots=True)
class _LiveState:
    """State of a running job: sequence number of its latest recorded event, and its latest live events."""

    sequence: int
    live: dict[str, JobEvent] = field(default_factory=dict)


class EventHub:
    """All watchers by job, and the live state of running jobs."""

    def __init__(self) -> None:
        self._watchers: dict[str, set[Watcher]] = {}
        self._running: dict[str, _LiveState] = {}
        self._ended = False

    @contextmanager
    def watching(self, job: str) -> Iterator[Watcher]:
        """A watcher that gets the latest live events of a job, then all its events during the block."""
        state = self._running.get(job)
        watcher = Watcher(state.live.values() if state else ())
        if self._ended:
            watcher.end()
        self._watchers.setdefault(job, set()).add(watcher)
        try:
            yield watcher
        finally:
            watchers = self._watchers[job]
            watchers.discard(watcher)
            if not watchers:
                del self._watchers[job]

    def publish(self, job: str, job_event: JobEvent) -> None:
        """Pass an event to the watchers of a job."""
        kind = str(job_event.event["event"])
        state = self._running.get(job)
        if state is not None and kind in LIVE:
            state.live[kind] = job_event
        elif state is not None:
            state.sequence = max(state.sequence, job_event.sequence)
        for watcher in self._watchers.get(job, ()):
            watcher.put(job_event)

    def track(self, job: str, sequence: int) -> None:
        """Start tracking a job. sequence: that of its latest recorded event."""
        self._running.setdefault(job, _LiveState(sequence))

    def untrack(self, job: str) -> None:
        """Stop tracking a job."""
        self._running.pop(job, None)

    def sequence(self, job: str) -> int:
        """Sequence number of the latest recorded event of a running job; 0 for other jobs."""
        state = self._running.get(job)
        return state.sequence if state else 0

    def progress(self, job: str) -> Message | None:
        """The latest progress event of a running job."""
        state = self._running.get(job)
        latest = state.live.get("progress") if state else None
        return None if latest is None else latest.event

    def end(self) -> None:
        """End all watchers."""
        self._ended = True
        for watchers in self._watchers.values():
            for watcher in watchers:
                watcher.end()

    @property
    def watchers(self) -> int:
        """How many watchers there are."""
        return sum(map(len, self._watchers.values()))
