"""The other side of `answerprint_bridge`: calls with a time limit, on objects that live in its process.

Numbered requests on their way: a few at a time, so that none waits for the answer to the one before.
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

__all__ = ["PROTOCOL", "Bridge", "Hello", "Remote", "Request", "RequestWindow", "Value"]

Request: TypeAlias = "Mapping[str, object]"

_MOST = 32
"""Requests sent before the first of them is answered: more might fill the pipe of a bridge that hangs, and then to
write would take for ever, without a time limit."""


class RequestWindow:
    """Who waits for which answer; what is written and read is another's."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._unsent: deque[tuple[int, bytes]] = deque()
        self._flying: set[int] = set()
        self._unwanted: set[int] = set()
        self._answers: dict[int, Mapping[str, object]] = {}

    def add(self, request: Request) -> int:
        """The number of a request that is to be sent."""
        number = next(self._numbers)
        self._unsent.append((number, json.dumps({"id": number, **request}).encode() + b"\n"))
        return number

    def due(self) -> bytes:
        """Lines to be sent now; b"" for none."""
        lines = []
        while self._unsent and len(self._flying) < _MOST:
            number, line = self._unsent.popleft()
            self._flying.add(number)
            lines.append(line)
        return b"".join(lines)

    def landed(self, answer: Mapping[str, object]) -> bool:
        """Keep an answer that came; whether it is one to what was sent."""
        number = answer.get("id")
        if not isinstance(number, int) or number not in self._flying:
            return False
        self._flying.remove(number)
        if number in self._unwanted:
            self._unwanted.remove(number)
        else:
            self._answers[number] = answer
        return True

    def take(self, number: int) -> Mapping[str, object] | None:
        """The answer to a request, once; None where it did not come yet."""
        return self._answers.pop(number, None)

    def drop(self, numbers: Collection[int]) -> None:
        """Nobody waits for these any more; what was not sent never is."""
        self._unsent = deque(each for each in self._unsent if each[0] not in numbers)
        self._unwanted |= self._flying.intersection(numbers)
        for number in numbers:
            self._answers.pop(number, None)


PROTOCOL = 1
CALL_SECONDS = 20.0
"""Longest wait for an ordinary call: they take milliseconds, and one that hangs does so for ever."""

Value: TypeAlias = "bool | int | float | str | Remote | Sequence[Any] | Mapping[Any, Any] | None"


@dataclass(frozen=True, slots=True)
class Hello:
    """How a bridge introduces itself. error: why it has no Resolve, in the words of Python."""

    protocol: int
    python: str
    attached: bool
    error: str


@dataclass(eq=False, slots=True)
class Remote:
    """An object of Resolve's. What it is, only who asked for it knows."""

    bridge: Bridge
    handle: int

    def ask(self, method: str, *arguments: Value, seconds: float = CALL_SECONDS) -> Value:
        """Call a method. Raises HangingError, NoResolveError, and ResolveError for what the API itself raises."""
        return self.bridge.request(self.call(method, *arguments), seconds)

    def call(self, method: str, *arguments: Value) -> Request:
        """The request that `ask` sends."""
        return {"call": [self.handle, method, [_encode(each) for each in arguments]]}

    def value(self, name: str) -> Value:
        """An attribute that is no method, such as a constant. Raises as `ask`."""
        return self.bridge.request({"value": [self.handle, name]}, CALL_SECONDS)

    def offers(self, method: str, kind: str) -> bool:
        """Whether there is such a method: older versions lack some. Asked once for each kind. Raises as `ask`."""
        if kind not in self.bridge.names:
            names = self.bridge.request({"names": self.handle}, CALL_SECONDS)
            self.bridge.names[kind] = frozenset(map(str, names)) if isinstance(names, list) else frozenset()
        return method in self.bridge.names[kind]


class Bridge:
    """One conversation with a bridge, over two binary streams of lines. Not for several threads at once.

    on_lost: called once when it is given up, to end a process that hangs.
    """

    def __init__(self, answers: IO[bytes], requests: IO[bytes], on_lost: Callable[[], None] = lambda: None) -> None:
        self._requests, self._on_lost = requests, on_lost
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._flight = RequestWindow()
        self._ahead: dict[str, int] = {}
        """Numbers of what was asked ahead, by what it asks."""
        self._lost: ResolveError | None = None
        self.calls = 0
        """Requests so far."""
        self.root = Remote(self, 0)
        """Resolve's own object."""
        self.names: dict[str, frozenset[str]] = {}
        """Methods of each kind of object."""
        # A thread reads, since a read cannot be given a time limit everywhere; it ends with the stream.
        threading.Thread(target=_read, args=(answers, self._lines), name="bridge", daemon=True).start()

    def hello(self, seconds: float = CALL_SECONDS) -> Hello:
        """Read the first line. Raises NoResolveError when none comes, or the bridge is of another version."""
        hello = self._receive(seconds, "Resolve's scripting library does not load").get("hello")
        if not isinstance(hello, dict) or hello.get("protocol") != PROTOCOL:
            raise NoResolveError(
                "The script in Resolve and the installed program do not fit together.",
                "Bring the scripts up to date: answerprint resolve install",
            )
        return Hello(PROTOCOL, str(hello.get("python")), hello.get("root") is not None, str(hello.get("error", "")))

    def request(self, request: Request, seconds: float) -> Value:
        """Ask, and wait for the answer so long; what was asked ahead is not asked again."""
        number = self._ahead.pop(json.dumps(request), None) if self._ahead else None
        if number is None:
            number = self._add(request)
        name = str(request["call"][1]) if "call" in request else "a question"  # type: ignore[index]
        answer = self._answer(number, seconds, f"Resolve does not answer to {name}")
        if (problem := answer.get("error")) is not None:
            text = f"{problem.get('kind')}: {problem.get('text')}" if isinstance(problem, dict) else str(problem)
            raise ResolveError(f"Resolve cannot do {name} ({text}).", "See answerprint resolve status.")
        return self._decode(answer.get("value"))

    @contextmanager
    def ahead(self, requests: Iterable[Request]) -> Iterator[None]:
        """Send calls before they are made: in the block, the answers to them are on their way already.

        Resolve gets them in this order, whatever is made of the answers: for questions about what nothing in the block
        changes, and for changes that do no harm if they happen and nobody hears of it. Each call is made once; an
        answer that nobody asks for after all is dropped. Raises as `Remote.ask`.
        """
        numbers = {}
        for request in requests:
            key = json.dumps(request)
            if key not in self._ahead:
                numbers[key] = self._ahead[key] = self._add(request)
        self._send()
        try:
            yield
        finally:
            self._flight.drop({number for key in numbers if (number := self._ahead.pop(key, None)) is not None})

    def ask_form(self, form: Mapping[str, object], seconds: float) -> dict[str, object] | None:
        """Have a person in front of Resolve fill in a form; None for cancelled.

        Raises ResolveError itself where no form can be shown from there, and else as `Remote.ask`.
        """
        answers = self.request({"form": form}, seconds)
        return {str(name): value for name, value in answers.items()} if isinstance(answers, Mapping) else None

    def show(self, text: str, kind: str = "info") -> None:
        """Give the person in front of Resolve a line to read; one that cannot be given is left out."""
        try:
            self._requests.write(json.dumps({"show": text, "as": kind}).encode() + b"\n")
            self._requests.flush()
        except (OSError, ValueError):
            self._lost = self._lost or _gone()

    def _add(self, request: Request) -> int:
        self.calls += 1
        return self._flight.add(request)

    def _send(self) -> None:
        if self._lost is not None:
            raise self._lost
        if not (lines := self._flight.due()):
            return
        try:
            self._requests.write(lines)
            self._requests.flush()
        except (OSError, ValueError) as error:  # a pipe whose other end is gone, or closed by us
            raise self._give_up(_gone()) from error

    def _answer(self, number: int, seconds: float, what: str) -> Mapping[str, object]:
        self._send()
        while (answer := self._flight.take(number)) is None:
            if not self._flight.landed(self._receive(seconds, what)):
                raise self._give_up(ResolveError("The script in Resolve lost its place.", "Start it again."))
            self._send()
        return answer

    def _receive(self, seconds: float, what: str) -> Mapping[str, object]:
        try:
            line = self._lines.get(timeout=seconds)
        except queue.Empty:
            raise self._give_up(
                HangingError(
                    f"{what} ({seconds:.0f} s).", "Look at Resolve: a dialog may wait for an answer. Then try again."
                )
            ) from None
        if not line:
            raise self._give_up(_gone())
        try:
            message = json.loads(line)
        except ValueError:
            message = None
        if not isinstance(message, dict):
            raise self._give_up(ResolveError("The script in Resolve said what cannot be read.", "Start it again."))
        return message

    def _give_up(self, error: ResolveError) -> ResolveError:
        """An answer may come late, and would be taken for another's: nothing more is asked."""
        if self._lost is None:
            self._lost = error
            self._on_lost()
        return self._lost

    def _decode(self, value: object) -> Value:
        if isinstance(value, list):
            return [self._decode(each) for each in value]
        if isinstance(value, dict):
            if "ref" in value:
                return Remote(self, int(value["ref"]))
            return {self._decode(key): self._decode(each) for key, each in value["map"]}
        return value  # type: ignore[return-value]


def _encode(value: Value) -> object:
    if isinstance(value, Remote):
        return {"ref": value.handle}
    if isinstance(value, Mapping):
        return {"map": [[_encode(key), _encode(each)] for key, each in value.items()]}
    if isinstance(value, (list, tuple)):
        return [_encode(each) for each in value]
    return value


def _gone() -> NoResolveError:
    return NoResolveError("Resolve went away.", "Start it, and use Bring Back Finished: no restored frame is lost.")


def _read(stream: IO[bytes], lines: queue.SimpleQueue[bytes]) -> None:
    try:
        for line in stream:
            lines.put(line)
    except (OSError, ValueError):  # closed by this side
        pass
    lines.put(b"")
