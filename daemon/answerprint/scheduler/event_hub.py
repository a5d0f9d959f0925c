"""Who watches which job: what happens reaches every watcher, and no watcher can slow a job."""

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
"""A watcher so many kept events behind is cut off; it may come back with the number it has seen."""

LIVE = ("stage", "progress")
"""Kinds of events that are not kept: of each only the latest counts."""


class Watcher:
    """One watcher's events of one job, in order. A live one takes the place of an older one of its kind."""

    def __init__(self, live: Iterable[JobEvent] = ()) -> None:
        """live: where the job stands already."""
        self._waiting: dict[object, JobEvent] = {}
        self._kept = 0
        self._lost = False
        self._ended = False
        self._news = asyncio.Event()
        for happening in live:
            self.put(happening)

    def put(self, happening: JobEvent) -> None:
        """Add an event; never waits."""
        kind = str(happening.event["event"])
        if kind in LIVE:
            self._waiting.pop(kind, None)
            self._waiting[kind] = happening
        elif self._lost or self._kept >= MOST_BEHIND:
            self._lost = True  # nothing more of its kind: what follows would seem to follow what was heard
        else:
            self._waiting[happening.sequence] = happening
            self._kept += 1
        self._news.set()

    def end(self) -> None:
        """Nothing more will come."""
        self._ended = True
        self._news.set()

    async def next(self) -> JobEvent:
        """Return what comes next. Raises BusyError when events were lost, NoDaemonError when the daemon ends."""
        while True:
            if self._lost and not self._kept:
                raise BusyError("The watcher is too far behind.", "Watch again from the last number that was seen.")
            if self._waiting:
                key = next(iter(self._waiting))
                self._kept -= key not in LIVE
                return self._waiting.pop(key)
            if self._ended:
                raise NoDaemonError("The daemon is ending.", "Watch again when it is back.")
            self._news.clear()
            await self._news.wait()


@dataclass(slots=True)
class _Standing:
    """Where a job at work stands: the number of its latest kept event, and its latest live ones."""

    sequence: int
    live: dict[str, JobEvent] = field(default_factory=dict)


class EventHub:
    """All watchers, by job, and where each job that is at work stands."""

    def __init__(self) -> None:
        self._watchers: dict[str, set[Watcher]] = {}
        self._at_work: dict[str, _Standing] = {}
        self._ended = False

    @contextmanager
    def watching(self, job: str) -> Iterator[Watcher]:
        """A watcher that hears of all that happens to a job inside the block, and first where it stands."""
        standing = self._at_work.get(job)
        watcher = Watcher(standing.live.values() if standing else ())
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

    def tell(self, job: str, happening: JobEvent) -> None:
        """Pass an event on."""
        kind = str(happening.event["event"])
        standing = self._at_work.get(job)
        if standing is not None and kind in LIVE:
            standing.live[kind] = happening
        elif standing is not None:
            standing.sequence = max(standing.sequence, happening.sequence)
        for watcher in self._watchers.get(job, ()):
            watcher.put(happening)

    def work(self, job: str, sequence: int) -> None:
        """Remember from now on where a job stands. sequence: of its latest kept event."""
        self._at_work.setdefault(job, _Standing(sequence))

    def rest(self, job: str) -> None:
        """Forget it: the job is not at work any more."""
        self._at_work.pop(job, None)

    def sequence(self, job: str) -> int:
        """Number of the latest kept event of a job at work, 0 for another."""
        standing = self._at_work.get(job)
        return standing.sequence if standing else 0

    def progress(self, job: str) -> Message | None:
        """The latest progress of a job at work."""
        standing = self._at_work.get(job)
        latest = standing.live.get("progress") if standing else None
        return None if latest is None else latest.event

    def end(self) -> None:
        """Let all watchers go: nothing more will happen."""
        self._ended = True
        for watchers in self._watchers.values():
            for watcher in watchers:
                watcher.end()

    @property
    def watchers(self) -> int:
        """How many there are."""
        return sum(map(len, self._watchers.values()))
