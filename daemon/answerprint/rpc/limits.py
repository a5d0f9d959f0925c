"""How much the server takes, all of it explicit: gRPC by itself limits nothing but the length of messages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from answerprint.rpc.errors import CrowdedError

__all__ = ["ServerLimits", "Slots"]

_FEWEST_CONNECTIONS = 16
_FOR_WORK = 128
"""Files that the daemon has open for itself and its children: 40 while a job runs, measured, and 6 a question."""


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """Lengths in bytes; numbers of calls at one time, each kind with slots of its own."""

    max_message_bytes: int = 1 << 20
    """Of a request or an answer: pictures come in parts, and media go by their path."""
    max_metadata_bytes: int = 8 << 10
    max_calls: int = 64
    """Calls that answer at once."""
    max_slow_calls: int = 16
    """Calls that wait for a child: frames, and loading models."""
    max_watchers: int = 128
    """Streams of events."""
    max_connections: int = 512
    """Of all programs together: what is more is closed at once, before it takes the daemon's last file."""
    greeting_seconds: float = 2.0
    """How long a connection may say nothing before it is closed."""
    idle_seconds: float = 60.0
    """How long a connection may ask for nothing before it is closed; a client of ours makes a new one unseen."""
    call_seconds: float = 30.0
    """How long a call that answers at once may take; the client's own deadline is shorter."""

    def connections_within(self, descriptors: int) -> int:
        """Connections to take of a process that may have so many files open: the most of those are for its work."""
        return max(_FEWEST_CONNECTIONS, min(self.max_connections, (descriptors - _FOR_WORK) // 2))

    @property
    def max_streams(self) -> int:
        """All calls together that gRPC itself lets in: those above, and room to refuse more of them politely."""
        return 2 * (self.max_calls + self.max_slow_calls + self.max_watchers)


class Slots:
    """A number of calls at one time; one more is refused, and waits for nobody."""

    def __init__(self, most: int, what: str, remedy: str) -> None:
        self._most, self._what, self._remedy = most, what, remedy
        self.taken = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        """Hold a slot for the block. Raises CrowdedError when all are taken."""
        if self.taken >= self._most:
            raise CrowdedError(f"The daemon has {self._most} {self._what} already.", self._remedy)
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1
