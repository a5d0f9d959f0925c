"""The client of `answerprint_bridge`: calls with a time limit on objects that live in the bridge's process.

Requests are numbered and pipelined: a few are in flight at a time, so that none waits for the answer to the one before.
"""

from __future__ import annotations

import itertools
import json
import queue
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any, TypeAlias

from answerprint.resolve.errors import HangingError, NoResolveError, ResolveError

__all__ = ["PROTOCOL", "Bridge", "BridgeRequest", "BridgeValue", "Hello", "Remote", "RequestWindow", "connection_lost"]

BridgeRequest: TypeAlias = "Mapping[str, object]"

_MAX_IN_FLIGHT = 32
"""Requests sent before the first one is answered. More could fill the pipe of a bridge that hangs, and a write to a
full pipe blocks without a time limit."""


class RequestWindow:
    """Which requests are in flight, and which answers have come. Does no input or output itself."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._unsent: deque[tuple[int, bytes]] = deque()
        self._in_flight: set[int] = set()
        self._dropped: set[int] = set()
        self._answers: dict[int, Mapping[str, object]] = {}

    def add(self, request: BridgeRequest) -> int:
        """Queue a request; returns its number."""
        number = next(self._numbers)
        self._unsent.append((number, json.dumps({"id": number, **request}).encode() + b"\n"))
        return number

    def next_lines(self) -> bytes:
        """The lines to send now; b"" if there are none."""
        lines = []
        while self._unsent and len(self._in_flight) < _MAX_IN_FLIGHT:
            number, line = self._unsent.popleft()
            self._in_flight.add(number)
            lines.append(line)
        return b"".join(lines)

    def receive(self, answer: Mapping[str, object]) -> bool:
        """Keep an answer; returns whether it answers a request in flight."""
        number = answer.get("id")
        if not isinstance(number, int) or number not in self._in_flight:
            return False
        self._in_flight.remove(number)
        if number in self._dropped:
            self._dropped.remove(number)
        else:
            self._answers[number] = answer
        return True

    def take(self, number: int) -> Mapping[str, object] | None:
        """Remove and return the answer to a request; None if it has not come yet."""
        return self._answers.pop(number, None)

    def drop(self, numbers: Collection[int]) -> None:
        """Discard the answers to these requests, and do not send those that were not sent yet."""
        self._unsent = deque(each for each in self._unsent if each[0] not in numbers)
        self._dropped |= self._in_flight.intersection(numbers)
        for number in numbers:
            self._answers.pop(number, None)


PROTOCOL = 1
CALL_SECONDS = 20.0
"""Time limit of an ordinary call: it takes milliseconds, and one that hangs never returns."""

BridgeValue: TypeAlias = "bool | int | float | str | Remote | Sequence[Any] | Mapping[Any, Any] | None"


@dataclass(frozen=True, slots=True)
class Hello:
    """The first line of a bridge. error: why it could not attach to Resolve, a Python exception as text."""

    protocol: int
    python: str
    attached: bool
    error: str


@dataclass(eq=False, slots=True)
class Remote:
    """An object of Resolve's in the bridge's process. Its type is known only to whoever asked for it."""

    bridge: Bridge
    handle: int

    def ask(self, method: str, *arguments: BridgeValue, seconds: float = CALL_SECONDS) -> BridgeValue:
        """Call a method. Raises HangingError, NoResolveError, and ResolveError for an exception of the API."""
        return self.bridge.request(self.call(method, *arguments), seconds)

    def call(self, method: str, *arguments: BridgeValue) -> BridgeRequest:
        """The request that `ask` sends."""
        return {"call": [self.handle, method, [_encode(each) for each in arguments]]}

    def value(self, name: str) -> BridgeValue:
        """Read an attribute, such as a constant. Raises as `ask`."""
        return self.bridge.request({"value": [self.handle, name]}, CALL_SECONDS)

    def offers(self, method: str, kind: str) -> bool:
        """Whether this version has a method. Asks once for each kind of object. Raises as `ask`."""
        if kind not in self.bridge.names:
            names = self.bridge.request({"names": self.handle}, CALL_SECONDS)
            self.bridge.names[kind] = frozenset(map(str, names)) if isinstance(names, list) else frozenset()
        return method in self.bridge.names[kind]


class Bridge:
    """One connection to a bridge, over two binary streams of lines. Not thread-safe.

    on_lost: called once when the connection is given up, to end a process that hangs.
    """

    def __init__(self, answers: IO[bytes], requests: IO[bytes], on_lost: Callable[[], None] = lambda: None) -> None:
        self._requests, self._on_lost = requests, on_lost
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._window = RequestWindow()
        self._pipelined: dict[str, int] = {}
        """The numbers of pipelined requests, by their JSON."""
        self._lost: ResolveError | None = None
        self.calls = 0
        """Requests so far."""
        self.root = Remote(self, 0)
        """Resolve's own object."""
        self.names: dict[str, frozenset[str]] = {}
        """Methods of each kind of object."""
        # A thread reads, since a read has no time limit on every system. It ends with the stream.
        threading.Thread(target=_read, args=(answers, self._lines), name="bridge", daemon=True).start()

    def hello(self, seconds: float = CALL_SECONDS) -> Hello:
        """Read the first line. Raises NoResolveError if none comes, or the bridge has another version."""
        hello = self._receive(seconds, "Resolve's scripting library did not load").get("hello")
        if not isinstance(hello, dict) or hello.get("protocol") != PROTOCOL:
            raise NoResolveError(
                "The script in Resolve and the installed program have different versions.",
                "Update the scripts: answerprint resolve install",
            )
        return Hello(PROTOCOL, str(hello.get("python")), hello.get("root") is not None, str(hello.get("error", "")))

    def request(self, request: BridgeRequest, seconds: float) -> BridgeValue:
        """Send a request, and wait for its answer. A pipelined request is not sent again."""
        number = self._pipelined.pop(json.dumps(request), None) if self._pipelined else None
        if number is None:
            number = self._add(request)
        name = str(request["call"][1]) if "call" in request else "a request"  # type: ignore[index]
        answer = self._answer(number, seconds, f"Resolve did not answer {name}")
        if (problem := answer.get("error")) is not None:
            text = f"{problem.get('kind')}: {problem.get('text')}" if isinstance(problem, dict) else str(problem)
            raise ResolveError(f"Resolve reported an error for {name} ({text}).", "Run: answerprint resolve status")
        return self._decode(answer.get("value"))

    @contextmanager
    def pipelined(self, requests: Iterable[BridgeRequest]) -> Iterator[None]:
        """Send calls before the block makes them, so that their answers are under way already.

        Resolve gets them in this order, whatever the block does. Use it for reads of what the block does not change,
        and for writes that do no harm if the block fails before it makes them. Each call is sent once; an answer that
        the block does not ask for is dropped. Raises as `Remote.ask`.
        """
        numbers = {}
        for request in requests:
            key = json.dumps(request)
            if key not in self._pipelined:
                numbers[key] = self._pipelined[key] = self._add(request)
        self._send()
        try:
            yield
        finally:
            self._window.drop({number for key in numbers if (number := self._pipelined.pop(key, None)) is not None})

    def ask_form(self, form: Mapping[str, object], seconds: float) -> dict[str, object] | None:
        """Show a form in Resolve and return the answers; None if the user cancels.

        Raises ResolveError itself if the script cannot show a form, and otherwise as `Remote.ask`.
        """
        answers = self.request({"form": form}, seconds)
        return {str(name): value for name, value in answers.items()} if isinstance(answers, Mapping) else None

    def show(self, text: str, kind: str = "info") -> None:
        """Show the user of Resolve a line of text, if the connection still works."""
        try:
            self._requests.write(json.dumps({"show": text, "as": kind}).encode() + b"\n")
            self._requests.flush()
        except (OSError, ValueError):
            self._lost = self._lost or connection_lost()

    def _add(self, request: BridgeRequest) -> int:
        self.calls += 1
        return self._window.add(request)

    def _send(self) -> None:
        if self._lost is not None:
            raise self._lost
        if not (lines := self._window.next_lines()):
            return
        try:
            self._requests.write(lines)
            self._requests.flush()
        except (OSError, ValueError) as error:  # the other end is closed, or this one
            raise self._give_up(connection_lost()) from error

    def _answer(self, number: int, seconds: float, what: str) -> Mapping[str, object]:
        self._send()
        while (answer := self._window.take(number)) is None:
            if not self._window.receive(self._receive(seconds, what)):
                raise self._give_up(
                    ResolveError("The script in Resolve sent an unexpected answer.", "Run the script again.")
                )
            self._send()
        return answer

    def _receive(self, seconds: float, what: str) -> Mapping[str, object]:
        try:
            line = self._lines.get(timeout=seconds)
        except queue.Empty:
            raise self._give_up(
                HangingError(f"{what} within {seconds:.0f} s.", "Close any open dialog in Resolve, then try again.")
            ) from None
        if not line:
            raise self._give_up(connection_lost())
        try:
            message = json.loads(line)
        except ValueError:
            message = None
        if not isinstance(message, dict):
            raise self._give_up(ResolveError("The script in Resolve sent an invalid line.", "Run the script again."))
        return message

    def _give_up(self, error: ResolveError) -> ResolveError:
        """End the connection: a late answer could be taken for that to a later request."""
        if self._lost is None:
            self._lost = error
            self._on_lost()
        return self._lost

    def _decode(self, value: object) -> BridgeValue:
        if isinstance(value, list):
            return [self._decode(each) for each in value]
        if isinstance(value, dict):
            if "ref" in value:
                return Remote(self, int(value["ref"]))
            return {self._decode(key): self._decode(each) for key, each in value["map"]}
        return value  # type: ignore[return-value]


def _encode(value: BridgeValue) -> object:
    if isinstance(value, Remote):
        return {"ref": value.handle}
    if isinstance(value, Mapping):
        return {"map": [[_encode(key), _encode(each)] for key, each in value.items()]}
    if isinstance(value, (list, tuple)):
        return [_encode(each) for each in value]
    return value


def connection_lost() -> NoResolveError:
    """The error for a Resolve that quit during a session."""
    return NoResolveError(
        "Lost the connection to Resolve.",
        "Restart Resolve, then choose Bring Back Finished: finished frames are kept.",
    )


def _read(stream: IO[bytes], lines: queue.SimpleQueue[bytes]) -> None:
    try:
        for line in stream:
            lines.put(line)
    except (OSError, ValueError):  # this end was closed
        pass
    lines.put(b"")
