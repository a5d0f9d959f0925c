"""Requests from the parent to a child that serves many jobs: received by one thread while another one works."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from answerprint.errors import CancelledError
from answerprint.ipc.channel import ChildChannel
from answerprint.ipc.messages import Message, MessageError

__all__ = ["Inbox", "JobChannel", "JobControls", "Request", "StopRequestedError"]


class StopRequestedError(Exception):
    """The parent asked a job to stop. Never shown to a user: whoever runs the job sends `stopped`."""


@dataclass(slots=True)
class JobControls:
    """Stop flags of one job; set by the listening thread, read by the working one."""

    stop: threading.Event = field(default_factory=threading.Event)
    """Stop at the next step."""
    give_way: threading.Event = field(default_factory=threading.Event)
    """Stop at the next chunk boundary, to let another job run."""


@dataclass(slots=True)
class JobChannel:
    """The channel of one job: every event carries `tags`, such as the job's id."""

    send: Callable[[Mapping[str, object]], None]
    controls: JobControls
    tags: Mapping[str, object]

    def check(self) -> None:
        """Raise StopRequestedError if the job must stop now."""
        if self.controls.stop.is_set():
            raise StopRequestedError

    def emit(self, event: Mapping[str, object]) -> None:
        """Send an event, with the tags added."""
        self.send({**event, **self.tags})


_JOBS = frozenset({"restore", "preview", "mux", "probe", "frame", "fill"})
_END: Message = {"type": "exit"}
_LAST_SECONDS = 0.5
"""Time to clean up after the parent has gone, for work that leaves nothing outside the daemon's own folders."""


@dataclass(slots=True)
class Request:
    """A message from the parent, and the stop flags of its job."""

    message: Message
    controls: JobControls = field(default_factory=JobControls)

    @property
    def kind(self) -> str:
        """The message's type."""
        return str(self.message.get("type", ""))


class Inbox:
    """Requests in order of arrival. `stop` and `yield` are not queued: they set a flag of the running job, or else of
    the first waiting one.

    When the parent has gone, the running job is stopped, and `last_seconds` later the process exits wherever it is.
    That is safe: all files are complete or absent, but for temporary ones.

    One lock, taken by the listening and the working thread; neither holds another lock.
    """

    def __init__(
        self, channel: ChildChannel, *, end: Callable[[int], object] = os._exit, last_seconds: float = _LAST_SECONDS
    ) -> None:
        self._channel = channel
        self._end = end
        self._last_seconds = last_seconds
        self._requests: deque[Request] = deque()
        self._running: Request | None = None
        self._changed = threading.Condition()

    def listen(self) -> None:
        """Start receiving messages, until the process ends."""
        # A daemon thread: it waits for the parent, which may be waiting for this process to end.
        threading.Thread(target=self._listen, name="parent", daemon=True).start()

    def take(self, seconds: float | None = None) -> Request | None:
        """The next request, whose job then counts as running; None after `seconds` without one."""
        with self._changed:
            self._running = None
            if not self._changed.wait_for(lambda: self._requests, seconds):
                return None
            request = self._requests.popleft()
            self._running = request if request.kind in _JOBS else None
            return request

    def take_all(self, kinds: Collection[str]) -> list[Request]:
        """Remove and return the waiting requests of these kinds, while a job is running."""
        with self._changed:
            taken = [request for request in self._requests if request.kind in kinds]
            self._requests = deque(request for request in self._requests if request.kind not in kinds)
            return taken

    def _listen(self) -> None:
        try:
            while True:
                self._put(self._channel.request())
        except (CancelledError, MessageError, OSError):
            pass  # garbage is treated like a closed pipe
        self._put({"type": "stop"})
        self._put(_END)
        threading.Timer(self._last_seconds, self._end, (0,)).start()

    def _put(self, message: Message) -> None:
        with self._changed:
            kind = message.get("type")
            if kind in ("stop", "yield"):
                self._set_stop(stop=kind == "stop")
                return
            self._requests.append(Request(message))
            self._changed.notify_all()

    def _set_stop(self, *, stop: bool) -> None:
        waiting = (request for request in self._requests if request.kind in _JOBS)
        request = self._running or next(waiting, None)
        if request is not None:
            (request.controls.stop if stop else request.controls.give_way).set()
