"""How a client calls: again if the daemon is crowded or was restarted, and several calls in parallel."""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from google.protobuf.message import Message

from answerprint.api.types import BusyError
from answerprint.client.connection import Connection, open_connection
from answerprint.errors import AnswerprintError, InputError, NoDaemonError
from answerprint.rpc.errors import AccessDeniedError, CrowdedError, TooSlowError
from answerprint.rpc.v1.restoration_pb2 import SubmitJobRequest

__all__ = ["CALL_SECONDS", "CROWDED_SECONDS", "Caller"]

T = TypeVar("T")

_PACKAGE = "/answerprint.rpc.v1"
CALL_SECONDS = 5.0
CROWDED_SECONDS = 30.0
_UNKNOWN_FIELD = "has an unknown field"  # how a daemon older than the field `after` refuses it
_RECONNECT_SECONDS = 0.2  # between two attempts to find a daemon that went away
_PARALLEL_CALLS = 8  # fewer than may wait for a media child in the daemon
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.05, 1.0  # between two attempts while the daemon is crowded


class Caller:
    """Calls one daemon, or its successor after a restart. Not thread-safe."""

    def __init__(self, connection: Connection, run: Path, crowded_seconds: float) -> None:
        """crowded_seconds: how long a call is retried while the daemon is crowded."""
        self.connection, self._run, self._crowded_seconds = connection, run, crowded_seconds

    def call(
        self,
        name: str,
        request: Message,
        answer: type[Message],
        *,
        seconds: float | None = CALL_SECONDS,
        repeatable: bool = True,
    ) -> Any:  # noqa: ANN401 - an `answer`
        """A unary call, repeated once if the daemon was restarted."""
        return self.admitted(lambda: self._call_once(f"{_PACKAGE}.{name}", request, answer, seconds, repeatable))

    def _call_once(
        self, method: str, request: Message, answer: type[Message], seconds: float | None, repeatable: bool
    ) -> Any:  # noqa: ANN401 - an `answer`
        try:
            return self.connection.call(method, request, answer, seconds)
        except TooSlowError:
            raise
        except NoDaemonError as error:
            # A refused call was not executed, so it may always be repeated.
            if not (repeatable or isinstance(error, AccessDeniedError)):
                raise
        self._reconnect(CALL_SECONDS)
        return self.connection.call(method, request, answer, seconds)

    @contextmanager
    def stream(self, name: str, request: Message, answer: type[Message]) -> Iterator[Iterator[Any]]:
        """The answers of a streaming call; leaving the block ends it."""
        with self.connection.stream(f"{_PACKAGE}.{name}", request, answer, None) as answers:
            yield answers

    def admitted(self, call: Callable[[], T]) -> T:
        """Retry a call while the daemon is crowded: refused calls were not executed."""
        pauses = self.pauses()
        while True:
            try:
                return call()
            except CrowdedError:
                if not next(pauses):
                    raise

    def pauses(self) -> Iterator[bool]:
        """Yield True after ever longer pauses, and False after the time limit."""
        deadline = time.monotonic() + self._crowded_seconds
        pause = _FIRST_PAUSE_SECONDS
        while (left := deadline - time.monotonic()) > 0:
            # Random, so that clients do not retry at the same time.
            time.sleep(min(left, pause * random.uniform(0.5, 1.0)))  # noqa: S311 - no secret
            yield True
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
        while True:
            yield False

    def each(
        self,
        name: str,
        requests: Iterable[Message],
        answer: type[Message],
        *,
        seconds: float | None = CALL_SECONDS,
    ) -> Iterator[Any]:
        """Repeatable unary calls, a few in parallel; yields an `answer` or an AnswerprintError for each, in order.

        A call that was not executed is repeated in its turn: all before it have their answers by then.
        """
        left = iter(requests)
        started: deque[tuple[Message, Callable[[], Any]]] = deque()
        while True:
            for request in islice(left, _PARALLEL_CALLS - len(started)):
                started.append((request, self.connection.begin(f"{_PACKAGE}.{name}", request, answer, seconds)))
            if not started:
                return
            yield self._answer(name, *started.popleft(), answer, seconds)

    def _answer(
        self,
        name: str,
        request: Message,
        wait: Callable[[], Any],
        answer: type[Message],
        seconds: float | None,
    ) -> Any:  # noqa: ANN401 - an `answer` or an AnswerprintError
        try:
            try:
                return wait()
            except AnswerprintError as error:
                if not _may_repeat(error):
                    raise
                if isinstance(request, SubmitJobRequest):
                    request.after = ""
                return self.call(name, request, answer, seconds=seconds)
        except AnswerprintError as error:
            return error

    def await_return(self, patience_seconds: float) -> None:
        """Connect to the daemon that follows one that went away. Raises NoDaemonError if none does in time."""
        deadline = time.monotonic() + patience_seconds
        while True:
            try:
                self._reconnect(max(0.0, min(CALL_SECONDS, deadline - time.monotonic())))
                return
            except NoDaemonError:
                if time.monotonic() >= deadline:
                    raise
            time.sleep(_RECONNECT_SECONDS)

    def _reconnect(self, timeout: float) -> None:
        fresh = open_connection(self._run, timeout)
        self.connection.close()
        self.connection = fresh


def _may_repeat(error: AnswerprintError) -> bool:
    """Whether a call of `each` was not executed, for a reason that may be over in its turn."""
    if isinstance(error, InputError):
        return _UNKNOWN_FIELD in error.message
    return isinstance(error, NoDaemonError | BusyError) and not isinstance(error, TooSlowError)
