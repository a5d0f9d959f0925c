"""A disk that fails at the Nth thing it is asked for, from this process, once."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["CALLS", "FAULTS", "FaultyFS"]

CALLS = ("open", "write", "fsync", "link", "replace")
"""What is counted, of the module os: all that a durable write is made of."""

FAULTS = {"no room": errno.ENOSPC, "broken disk": errno.EIO}


class FaultyFS:
    """Counts calls, and fails one of them.

    A write that fails has written half before, as a full disk does. Only the thread that began is counted. Reading is
    not made to fail, nor is removing: a program must always be able to clean up.
    """

    def __init__(self, code: int, nth: int) -> None:
        self.code = code
        self.nth = nth
        self.calls: list[str] = []
        self._thread = threading.get_ident()

    @property
    def failed(self) -> str:
        """The call that failed; empty while none did."""
        return self.calls[self.nth - 1] if len(self.calls) >= self.nth else ""

    @contextmanager
    def at_work(self) -> Iterator[FaultyFS]:
        """Let the disk of this thread be faulty within the block."""
        real = {name: getattr(os, name) for name in CALLS}
        for name, function in real.items():
            setattr(os, name, self._faulty(name, function))
        try:
            yield self
        finally:
            for name, function in real.items():
                setattr(os, name, function)

    def _faulty(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:  # noqa: ANN401 - stands in for several functions of os
            if threading.get_ident() != self._thread or (name == "open" and not args[1] & os.O_CREAT):
                return real(*args, **options)
            self.calls.append(name)
            if len(self.calls) == self.nth:
                if name == "write":
                    real(args[0], bytes(args[1])[: len(args[1]) // 2])
                raise OSError(self.code, os.strerror(self.code), "a faulty disk")
            return real(*args, **options)

        return call
