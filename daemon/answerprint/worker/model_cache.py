"""Models kept in memory between jobs: keep-alive, memory limits and eviction. Imports no torch."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from answerprint.errors import JobFailedError

__all__ = ["CacheMemory", "WarmEntry", "WarmModels"]

T = TypeVar("T")

_CHECK_SECONDS = 5.0
"""How often an idle worker checks whether other programs need the device's memory."""


class CacheMemory(Protocol):
    """The memory of a device."""

    def used(self) -> int:
        """Bytes that this process holds."""
        ...

    def free(self) -> int | None:
        """Bytes available to any process; None if unknown."""
        ...

    def release(self) -> None:
        """Return unused memory to the device."""
        ...


@dataclass(slots=True)
class WarmEntry(Generic[T]):
    """A model in memory. bytes: measured at loading. keep_alive_seconds: after its last use; negative is for ever."""

    name: str
    value: T
    bytes: int
    load_seconds: float
    keep_alive_seconds: float
    used_at: float
    users: int = 0
    unwanted: bool = False

    def remaining_seconds(self, now: float) -> float | None:
        """Seconds until it expires if unused; None for never."""
        if self.keep_alive_seconds < 0:
            return None
        return max(0.0, self.used_at + self.keep_alive_seconds - now)


class WarmModels(Generic[T]):
    """The models of one device, by name; for one thread.

    A model in use is never evicted. Others are evicted, the least recently used first, when their keep-alive has
    passed, when all together would exceed the cap, or when the device has less free memory than the reserve.
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
        """expected_bytes: estimated size of a model that was never loaded."""
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
        """The models in memory, the most recently used last."""
        return sorted(self._entries.values(), key=lambda entry: entry.used_at)

    def now(self) -> float:
        """The time on the clock of `WarmEntry.used_at`."""
        return self._clock()

    @contextmanager
    def use(self, name: str, keep_alive_seconds: float, on_load: Callable[[], None] = lambda: None) -> Iterator[T]:
        """The model while the block runs; `on_load` is called before it is loaded.

        Raises what loading raises, and JobFailedError if it does not fit even with all idle models evicted.
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
        """Load a model, or extend its keep-alive. Raises as `use` does."""
        entry = self._get(name, lambda: None)
        entry.keep_alive_seconds = keep_alive_seconds
        entry.used_at = self._clock()
        self._on_change()

    def unload(self, name: str = "") -> None:
        """Unload a model as soon as it is idle; an empty name unloads all."""
        for entry in self._entries.values():
            if name in ("", entry.name):
                entry.unwanted = True
        self.tidy()
        self._on_change()

    def limit(self, cap_bytes: int, reserve_bytes: int) -> None:
        """Set the cap on all models together, and the bytes to leave free for other programs; 0 is no limit."""
        self._cap_bytes, self._reserve_bytes = cap_bytes, reserve_bytes
        if self.tidy():
            self._on_change()

    def tidy(self) -> bool:
        """Evict models that have expired or exceed a limit; returns whether any was evicted."""
        now = self._clock()
        over = [e.name for e in self._idle() if e.unwanted or e.remaining_seconds(now) == 0.0]
        self._drop(over)
        return self._make_room(0) or bool(over)

    def seconds_to_tidy(self) -> float | None:
        """Seconds after which `tidy` may have work; None for never."""
        now = self._clock()
        times = [left for entry in self._idle() if (left := entry.remaining_seconds(now)) is not None]
        if self._idle() and self._reserve_bytes:
            times.append(_CHECK_SECONDS)
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
                f"The model {name} does not fit into the device's memory ({reason}).",
                "Close other programs that use the device, raise the memory cap, or choose a smaller model.",
            )
        self._entries[name] = entry
        self._measured[name] = entry.bytes
        return entry

    def _try(self, name: str) -> tuple[WarmEntry[T] | None, str]:
        """Load a model, or return why memory did not suffice. On failure nothing of the model stays in memory."""
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
        """Models not in use, the least recently used first."""
        return [entry for entry in self.entries if entry.users == 0]

    def _make_room(self, needed_bytes: int) -> bool:
        """Evict idle models until `needed_bytes` more would fit; returns whether any was evicted."""
        evicted = False
        while (idle := [entry.name for entry in self._idle()]) and not self._fits(needed_bytes):
            self._drop(idle[:1])
            evicted = True
        return evicted

    def _fits(self, more_bytes: int) -> bool:
        """Whether `more_bytes` keep within the cap and leave the reserve free."""
        total = sum(entry.bytes for entry in self._entries.values())
        if self._cap_bytes and total + more_bytes > self._cap_bytes:
            return False
        free = self._memory.free() if self._reserve_bytes or more_bytes else None
        return free is None or free - more_bytes >= self._reserve_bytes

    def _drop(self, names: list[str]) -> None:
        """Takes names: a list of entries would keep the models alive while memory is released."""
        for name in names:
            del self._entries[name]
        if names:
            self._memory.release()
