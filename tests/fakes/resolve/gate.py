"""Faults during calls: hang a call, or quit Resolve before or after one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Literal

from fakes.resolve.world import World

__all__ = ["Gate"]


class Gate:
    """lock order: the world's lock is never taken while this one's condition is held."""

    def __init__(self, world: World, quit: Callable[[], None]) -> None:
        self._world, self._quit = world, quit
        self._condition = threading.Condition()
        self._held: set[str] = set()
        self._waiting = 0
        self._closed = False
        self._countdown: tuple[int, str] | None = None
        self._last: tuple[str, str] | None = None

    def __call__(self, when: str, what: str) -> None:
        """Called twice for every call: before and after it takes effect."""
        if not self._world.running:
            if self._world.quirks.lost_calls == "hang":
                self.block()
            return
        if when == "before":
            self._hold(what)
        if self._reaches_end(when, what):
            self._quit()
            if self._world.quirks.lost_calls == "hang":
                self.block()

    def hang(self, what: str) -> None:
        """Let no call of Class.Method come back."""
        with self._condition:
            self._held.add(what)

    def release(self, what: str | None = None) -> None:
        """Let calls of it, or of everything, go on."""
        with self._condition:
            self._held = set() if what is None else self._held - {what}
            self._condition.notify_all()

    def block(self) -> None:
        """Wait until Resolve quits, or the test ends."""
        session = self._world.session
        with self._condition:
            self._waiting += 1
            self._condition.notify_all()
            self._condition.wait_for(lambda: self._closed or self._world.session != session)
            self._waiting -= 1

    def wait_until_hanging(self, seconds: float = 10.0) -> None:
        """Return when a call hangs."""
        with self._condition:
            assert self._condition.wait_for(lambda: self._waiting > 0, seconds), "no call came"

    def quit_at(self, number: int, when: Literal["before", "after"]) -> None:
        """Resolve quits at the call with that number from now, 1 being the next."""
        self._countdown = (number, when)

    def quit_on(self, what: str, when: Literal["before", "after"]) -> None:
        """Resolve quits at the next call of Class.Method."""
        self._last = (what, when)

    def wake(self) -> None:
        """Wake all waiting calls after Resolve quit."""
        with self._condition:
            self._condition.notify_all()

    def close(self) -> None:
        """Release all calls for good."""
        with self._condition:
            self._closed = True
            self._held = set()
            self._condition.notify_all()

    def _hold(self, what: str) -> None:
        session = self._world.session
        with self._condition:
            if what not in self._held:
                return
            self._waiting += 1
            self._condition.notify_all()
            self._condition.wait_for(
                lambda: (
                    what not in self._held or self._closed or self._world.session != session or not self._world.running
                )
            )
            self._waiting -= 1

    def _reaches_end(self, when: str, what: str) -> bool:
        if self._last == (what, when):
            self._last = None
            return True
        if self._countdown is None:
            return False
        number, wanted = self._countdown
        if when == wanted:
            number -= 1
            self._countdown = None if number == 0 else (number, wanted)
        return number == 0
