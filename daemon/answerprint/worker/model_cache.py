"""Models that stay in memory between jobs: for how long, how many, and which one goes first. It knows no torch."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from answerprint.errors import JobFailedError

__all__ = ["CacheMemory", "WarmEntry", "WarmModels"]

T = TypeVar("T")

_LOOK_SECONDS = 5.0
"""How often an idle worker looks whether other programs need the device's memory."""


class CacheMemory(Protocol):
    """The memory of a device."""

    def used(self) -> int:
        """Bytes that this process holds there."""
        ...

    def free(self) -> int | None:
        """Bytes that anybody may still take; None where that cannot be asked."""
        ...

    def release(self) -> None:
        """Give back what this process holds and does not use."""
        ...


@dataclass(slots=True)
class WarmEntry(Generic[T]):
    """A model in memory. bytes: measured at loading. keep_alive_seconds: after its last use; below 0 for ever."""

    name: str
    value: T
    bytes: int
    load_seconds: float
    keep_alive_seconds: float
    used_at: float
    users: int = 0
    unwanted: bool = False

    def remaining_seconds(self, now: float) -> float | None:
        """Until it goes if nobody uses it; None for ever."""
        if self.keep_alive_seconds < 0:
            return None
        return max(0.0, self.used_at + self.keep_alive_seconds - now)


class WarmModels(Generic[T]):
    """The models of one device, by name; for one thread.

    What is in use is never evicted. The least recently used of the others goes first: when its time is over, when all
    together would exceed the cap, and when the device has less free memory than the reserve.
    """

    def __init__(
        self,
        load: Callable[[str], T],
        memory: CacheMemory,
        is_out_of_memory: Callable[[BaseException], bool],
        *,
        expected_bytes: Callable[[str], int] = lambda name: 0,
        on_change: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """expected_bytes: what a model that was never loaded will take."""
        self._load = load
        self._memory = memory
        self._is_out_of_memory = is_out_of_memory
        self._expected_bytes = expected_bytes
        self._on_change = on_change
        self._clock = clock
        self._entries: dict[str, WarmEntry[T]] = {}
        self._measured: dict[str, int] = {}
        self._cap_bytes = 0
        self._reserve_bytes = 0

    @property
    def entries(self) -> list[WarmEntry[T]]:
        """What is in memory, the most recently used last."""
        return sorted(self._entries.values(), key=lambda entry: entry.used_at)

    def now(self) -> float:
        """By the clock that entries are timed with."""
        return self._clock()

    @contextmanager
    def use(self, name: str, keep_alive_seconds: float, on_load: Callable[[], None] = lambda: None) -> Iterator[T]:
        """The model while the block runs; `on_load` is called first where it has to be loaded.

        Raises what loading raises, and JobFailedError when there is no room for it even with all others gone.
        """
        entry = self._get(name, on_load)
        entry.keep_alive_seconds = keep_alive_seconds
        entry.users += 1
        self._on_change()
        try:
            yield entry.value
        finally:
            entry.users -= 1
            entry.used_at = self._clock()
            self.tidy()
            self._on_change()

    def keep(self, name: str, keep_alive_seconds: float) -> None:
        """Bring a model into memory, or keep it there longer. Raises as `use` does."""
        entry = self._get(name, lambda: None)
        entry.keep_alive_seconds = keep_alive_seconds
        entry.used_at = self._clock()
        self._on_change()

    def unload(self, name: str = "") -> None:
        """Free a model, all for an empty name, as soon as nobody uses it."""
        for entry in self._entries.values():
            if name in ("", entry.name):
                entry.unwanted = True
        self.tidy()
        self._on_change()

    def limit(self, cap_bytes: int, reserve_bytes: int) -> None:
        """Set the cap on all models together and what is left free for others; 0 is no limit."""
        self._cap_bytes, self._reserve_bytes = cap_bytes, reserve_bytes
        if self.tidy():
            self._on_change()

    def tidy(self) -> bool:
        """Free what is over its time or over a limit; returns whether anything went."""
        now = self._clock()
        over = [e.name for e in self._idle() if e.unwanted or e.remaining_seconds(now) == 0.0]
        self._drop(over)
        return self._make_room(0) or bool(over)

    def seconds_to_look(self) -> float | None:
        """After which `tidy` may have something to do; None for never."""
        now = self._clock()
        times = [left for entry in self._idle() if (left := entry.remaining_seconds(now)) is not None]
        if self._idle() and self._reserve_bytes:
            times.append(_LOOK_SECONDS)
        return min(times, default=None)

    def _get(self, name: str, on_load: Callable[[], None]) -> WarmEntry[T]:
        found = self._entries.get(name)
        if found is not None:
            found.unwanted = False
            return found
        on_load()
        needed = self._measured.get(name) or self._expected_bytes(name)
        self._make_room(needed)
        entry, reason = self._try(name)
        if entry is None and (others := [e.name for e in self._idle()]):
            self._drop(others)
            entry, reason = self._try(name)  # once: with nothing left to free, a second failure is final
        if entry is None:
            raise JobFailedError(
                f"The model {name} does not fit into the memory of the device ({reason}).",
                "Close other programs that use the device, raise the memory cap, or choose a smaller model.",
            )
        self._entries[name] = entry
        self._measured[name] = entry.bytes
        return entry

    def _try(self, name: str) -> tuple[WarmEntry[T] | None, str]:
        """Load, or say why memory did not suffice. Whatever goes wrong, nothing of the model is kept."""
        before, began = self._memory.used(), self._clock()
        reason = ""
        try:
            value = self._load(name)
        except (MemoryError, RuntimeError) as error:
            if not self._is_out_of_memory(error):
                raise
            reason = str(error).partition("\n")[0] or "out of memory"
        if reason:
            self._memory.release()  # only here: inside the block the exception keeps half a model alive
            return None, reason
        now = self._clock()
        size = self._memory.used() - before
        return WarmEntry(name, value, size if size > 0 else self._expected_bytes(name), now - began, 0.0, now), ""

    def _idle(self) -> list[WarmEntry[T]]:
        """What nobody uses, the least recently used first."""
        return [entry for entry in self.entries if entry.users == 0]

    def _make_room(self, needed_bytes: int) -> bool:
        """Evict until so many bytes more would fit, or nothing idle is left; returns whether anything went."""
        evicted = False
        while (idle := [entry.name for entry in self._idle()]) and not self._fits(needed_bytes):
            self._drop(idle[:1])
            evicted = True
        return evicted

    def _fits(self, more_bytes: int) -> bool:
        """Whether so many bytes more keep within the cap and leave the reserve."""
        total = sum(entry.bytes for entry in self._entries.values())
        if self._cap_bytes and total + more_bytes > self._cap_bytes:
            return False
        free = self._memory.free() if self._reserve_bytes or more_bytes else None
        return free is None or free - more_bytes >= self._reserve_bytes

    def _drop(self, names: list[str]) -> None:
        """By name: a list of entries would keep them alive while memory is given back."""
        for name in names:
            del self._entries[name]
        if names:
            self._memory.release()
