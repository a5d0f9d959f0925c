"""How a job hears its parent and tells it what happens."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

__all__ = ["JobChannel", "StopRequestedError", "Wishes"]


class StopRequestedError(Exception):
    """The parent wants a job to end. It never reaches a user: whoever runs the job says `stopped`."""


@dataclass(slots=True)
class Wishes:
    """What the parent wants of one job; set by the thread that listens, read by the one that works."""

    stop: threading.Event = field(default_factory=threading.Event)
    """At the next step."""
    give_way: threading.Event = field(default_factory=threading.Event)
    """At the next border of a chunk."""


@dataclass(slots=True)
class JobChannel:
    """The channel of one job among many: every event carries `tags`, such as the job's id."""

    send: Callable[[Mapping[str, object]], None]
    wishes: Wishes
    tags: Mapping[str, object]

    def check(self) -> None:
        """Raise StopRequestedError when the job is to end now."""
        if self.wishes.stop.is_set():
            raise StopRequestedError

    def emit(self, event: Mapping[str, object]) -> None:
        """Send an event with the tags."""
        self.send({**event, **self.tags})
