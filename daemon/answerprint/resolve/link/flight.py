"""Numbered requests on their way: a few at a time, so that none waits for the answer to the one before."""

from __future__ import annotations

import itertools
import json
from collections import deque
from collections.abc import Collection, Mapping
from typing import TypeAlias

__all__ = ["Flight", "Request"]

Request: TypeAlias = "Mapping[str, object]"

_MOST = 32
"""Requests sent before the first of them is answered: more might fill the pipe of a bridge that hangs, and then to
write would take for ever, without a time limit."""


class Flight:
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
