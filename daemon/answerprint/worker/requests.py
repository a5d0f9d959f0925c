"""Messages of a parent to a child that serves many jobs, taken by a thread of their own while another one works.

How a job hears its parent and tells it what happens.
"""

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
    """The parent wants a job to end. It never reaches a user: whoever runs the job says `stopped`."""


@dataclass(slots=True)
class JobControls:
    """What the parent wants of one job; set by the thread that listens, read by the one that works."""

    stop: threading.Event = field(default_factory=threading.Event)
    """At the next step."""
    give_way: threading.Event = field(default_factory=threading.Event)
    """At the next border of a chunk."""


@dataclass(slots=True)
class JobChannel:
    """The channel of one job among many: every event carries `tags`, such as the job's id."""

    send: Callable[[Mapping[str, object]], None]
    wishes: JobControls
    tags: Mapping[str, object]

    def check(self) -> None:
        """Raise StopRequestedError when the job is to end now."""
        if self.wishes.stop.is_set():
            raise StopRequestedError

    def emit(self, event: Mapping[str, object]) -> None:
        """Send an event with the tags."""
        self.send({**event, **self.tags})


_JOBS = frozenset({"restore", "preview", "mux", "probe", "frame"})
_END: Message = {"type": "exit"}
_LAST_SECONDS = 0.5
"""After the parent has gone: enough to remove a temporary file, not enough for anybody to wait for."""


@dataclass(slots=True)
class Request:
    """A message, and for a job what was wished of it since."""

    message: Message
    wishes: JobControls = field(default_factory=JobControls)

    @property
    def kind(self) -> str:
        """The message's type."""
        return str(self.message.get("type", ""))


class Inbox:
    """Letters in order of arrival. `stop` and `yield` are no letters: they are wishes of the job at work, or of the
    first one that waits.

    When the parent has gone, the job at work is stopped, and after a moment the process ends wherever it is: nobody
    wants its results, and all its files are complete or absent.

    One lock, taken by the listening thread and by the working one, neither of which holds another.
    """

    def __init__(self, channel: ChildChannel, *, end: Callable[[int], object] = os._exit) -> None:
        self._channel = channel
        self._end = end
        self._letters: deque[Request] = deque()
        self._running: Request | None = None
        self._changed = threading.Condition()

    def listen(self) -> None:
        """Begin to take messages, until the end of the process."""
        # A daemon thread: it waits for the parent, which may wait for the end of this process.
        threading.Thread(target=self._listen, name="parent", daemon=True).start()

    def take(self, seconds: float | None = None) -> Request | None:
        """The next letter, whose job is then at work; None when there is none for so long."""
        with self._changed:
            self._running = None
            if not self._changed.wait_for(lambda: self._letters, seconds):
                return None
            letter = self._letters.popleft()
            self._running = letter if letter.kind in _JOBS else None
            return letter

    def take_all(self, kinds: Collection[str]) -> list[Request]:
        """The letters of those kinds, while a job is at work."""
        with self._changed:
            taken = [letter for letter in self._letters if letter.kind in kinds]
            self._letters = deque(letter for letter in self._letters if letter.kind not in kinds)
            return taken

    def _listen(self) -> None:
        try:
            while True:
                self._put(self._channel.request())
        except (CancelledError, MessageError, OSError):
            pass  # a parent that sends garbage is no parent: the same as a closed pipe
        self._put({"type": "stop"})
        self._put(_END)
        threading.Timer(_LAST_SECONDS, self._end, (0,)).start()

    def _put(self, message: Message) -> None:
        with self._changed:
            kind = message.get("type")
            if kind in ("stop", "yield"):
                self._wish(stop=kind == "stop")
                return
            self._letters.append(Request(message))
            self._changed.notify_all()

    def _wish(self, *, stop: bool) -> None:
        waiting = (letter for letter in self._letters if letter.kind in _JOBS)
        letter = self._running or next(waiting, None)
        if letter is not None:
            (letter.wishes.stop if stop else letter.wishes.give_way).set()
