"""Typed access to Resolve's answers, which have no types and where None stands for any failure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from answerprint.resolve.bridge.bridge import CALL_SECONDS, BridgeValue, Remote
from answerprint.resolve.errors import NoAnswerError

__all__ = ["Handle", "numbers", "objects", "pipelined", "texts"]


@dataclass(eq=False, frozen=True, slots=True)
class Handle:
    """An object of Resolve's, with calls by the type of their answer. All methods raise ResolveError."""

    remote: Remote

    def ask(self, method: str, *arguments: BridgeValue, seconds: float = CALL_SECONDS) -> BridgeValue:
        """The answer unchanged."""
        return self.remote.ask(method, *arguments, seconds=seconds)

    def offers(self, method: str) -> bool:
        """Whether this version has the method."""
        return self.remote.offers(method, type(self).__name__)

    def text(self, method: str, *arguments: BridgeValue) -> str:
        """The answer if it is text, else ""."""
        answer = self.ask(method, *arguments)
        return answer if isinstance(answer, str) else ""

    def number(self, method: str, *arguments: BridgeValue) -> float | None:
        """The answer if it is a number, else None."""
        answer = self.ask(method, *arguments)
        return answer if isinstance(answer, (int, float)) and not isinstance(answer, bool) else None

    def whole(self, method: str, *arguments: BridgeValue) -> int:
        """The answer as a whole number. Raises NoAnswerError if it is no number."""
        answer = self.number(method, *arguments)
        if answer is None:
            raise NoAnswerError(method)
        return round(answer)

    def done(self, method: str, *arguments: BridgeValue, seconds: float = CALL_SECONDS) -> bool:
        """Whether Resolve reports success; that alone proves nothing."""
        return bool(self.ask(method, *arguments, seconds=seconds))

    def found(self, method: str, *arguments: BridgeValue, seconds: float = CALL_SECONDS) -> Remote | None:
        """The answer if it is an object, else None."""
        answer = self.ask(method, *arguments, seconds=seconds)
        return answer if isinstance(answer, Remote) else None

    def needed(self, method: str, *arguments: BridgeValue) -> Remote:
        """The answer as an object. Raises NoAnswerError if it is none."""
        answer = self.found(method, *arguments)
        if answer is None:
            raise NoAnswerError(method)
        return answer

    def listed(self, method: str) -> list[str]:
        """The answer as a list of texts, [] if it is no list."""
        answer = self.ask(method)
        return [str(each) for each in answer] if isinstance(answer, Sequence) and not isinstance(answer, str) else []

    def table(self, method: str, *arguments: BridgeValue) -> dict[str, BridgeValue]:
        """The answer as a dictionary with text keys, {} if it is none."""
        answer = self.ask(method, *arguments)
        return {str(key): value for key, value in answer.items()} if isinstance(answer, Mapping) else {}


@contextmanager
def pipelined(handles: Sequence[Handle], *calls: tuple[str, *tuple[BridgeValue, ...]]) -> Iterator[None]:
    """Send these calls (method and arguments) on each handle, before the block makes them one by one.

    The handles are of one kind. See `Bridge.pipelined`. Calls that this version lacks are left out.
    """
    if not handles:
        yield
        return
    first = handles[0]
    offered = [call for call in calls if first.offers(call[0])]
    with first.remote.bridge.pipelined(each.remote.call(*call) for each in handles for call in offered):
        yield


def objects(answer: BridgeValue) -> list[Remote]:
    """The objects of a list, or of a dictionary as older versions return; [] for anything else."""
    if isinstance(answer, Mapping):
        answer = list(answer.values())
    if not isinstance(answer, Sequence) or isinstance(answer, str):
        return []
    return [each for each in answer if isinstance(each, Remote)]


def texts(table: Mapping[str, BridgeValue]) -> dict[str, str]:
    """The values of a dictionary as text; None is left out."""
    return {name: value if isinstance(value, str) else str(value) for name, value in table.items() if value is not None}


def numbers(answer: BridgeValue) -> list[float]:
    """The numbers of a list, [] for anything else."""
    if not isinstance(answer, Sequence) or isinstance(answer, str):
        return []
    return [each for each in answer if isinstance(each, (int, float)) and not isinstance(each, bool)]
