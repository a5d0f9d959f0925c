"""The flow cache: flow pairs on disk, keyed by everything they were computed from.

    FOLDER/entries/ab/abcd...flow   32 bytes of key, then `FlowPair.to_bytes`; the modification time is the last use
    FOLDER/leases/                  see `lease`
    FOLDER/quarantine/              damaged entries, the latest `QUARANTINE_FILES` of them

Best effort: a disk failure never fails a job. It is counted, and the flow is estimated again.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from answerprint.flow.entries import SUFFIX, CacheEntry, children, list_entries, write_entry
from answerprint.flow.estimator import FlowEstimator
from answerprint.flow.lease import hold_lease, live_leases
from answerprint.flow.pair import FORMAT_VERSION, FlowDataError, FlowPair

__all__ = ["QUARANTINE_FILES", "CacheCounters", "CacheInfo", "FlowCache", "cache_key"]

QUARANTINE_FILES = 16
LOW_WATER = 0.9
"""Eviction frees space down to this share of the capacity, so that a full cache is not listed at every put."""
PUTS_BETWEEN_LISTINGS = 256
"""Puts after which the folder is listed again, to count what other processes have stored."""
TIMESTAMP_NS = 2 * 10**9
"""Coarsest resolution of file modification times (exFAT: 2 s); added to a lease's protection."""

_SOURCE_VERSION = 2
"""Increase it whenever `FlowSource` post-processes an estimator's flow differently."""


def cache_key(estimator: FlowEstimator, hash_a: str, hash_b: str) -> str:
    """Key of the pair a, b: SHA-256 in hexadecimal over everything that its bits depend on.

    `hash_a` and `hash_b` are `FlowPicture.content_hash`. The order matters: `FlowSource` sorts them first.
    """
    made = [FORMAT_VERSION, _SOURCE_VERSION, estimator.name, estimator.version, dict(estimator.parameters)]
    recipe = [*made, hash_a, hash_b]
    return hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()


@dataclass(slots=True)
class CacheCounters:
    """Statistics of one `FlowCache` object."""

    hits: int = 0
    misses: int = 0
    """Lookups without a result: absent, damaged or unreadable."""
    damaged: int = 0
    """Damaged entries moved to quarantine."""
    evicted: int = 0
    refused: int = 0
    """Pairs not stored because running jobs protect all entries."""
    failures: int = 0
    """Disk failures: unreadable, unwritable or full."""


@dataclass(frozen=True, slots=True)
class CacheInfo:
    """Content of a cache's folder."""

    entries: int
    bytes: int
    capacity_bytes: int
    quarantined: int
    leases: int
    """Running jobs that hold a lease."""


class FlowCache:
    """Flow pairs under `folder`, at most `capacity_bytes` in total; the least recently used are evicted first.

    Entries used since the oldest live lease began are never evicted; if they fill the cache, new pairs are not stored.
    The capacity includes what other processes store, with a delay of up to `PUTS_BETWEEN_LISTINGS` puts.
    One object per thread; any number of processes may share the folder. No method raises OSError.
    """

    def __init__(self, folder: Path, capacity_bytes: int, *, clock: Callable[[], int] = time.time_ns) -> None:
        self.counters = CacheCounters()
        self._folder = folder
        self._entries = folder / "entries"
        self._leases = folder / "leases"
        self._quarantine = folder / "quarantine"
        self._capacity_bytes = capacity_bytes
        self._clock = clock
        self._stored_bytes = 0
        self._puts_to_listing = 0
        self._crowded = False

    def path(self, key: str) -> Path:
        """File of the entry `key`."""
        return self._entries / key[:2] / f"{key}{SUFFIX}"

    def get(self, key: str) -> FlowPair | None:
        """The pair stored under `key`, or None; a damaged entry goes to quarantine and counts as absent."""
        path = self.path(key)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            self.counters.misses += 1
            return None
        except OSError:
            self.counters.failures += 1
            self.counters.misses += 1
            return None
        try:
            # The key is stored too: an entry under another entry's name is intact but wrong.
            if data[:32] != bytes.fromhex(key):
                raise FlowDataError("this entry belongs under another key")
            pair = FlowPair.from_bytes(data[32:])
        except FlowDataError:
            self._put_in_quarantine(path)
            self.counters.damaged += 1
            self.counters.misses += 1
            return None
        self.counters.hits += 1
        self._touch(path)
        return pair

    def put(self, key: str, pair: FlowPair) -> None:
        """Store `pair` under `key` atomically, evicting other entries if needed."""
        data = bytes.fromhex(key) + pair.to_bytes()
        path = self.path(key)
        try:
            if not self._make_room(len(data)):
                self.counters.refused += 1
                return
            write_entry(path, data)
        except OSError:
            self.counters.failures += 1
            return
        self._stored_bytes += len(data)
        self._touch(path)

    @contextmanager
    def lease(self) -> Iterator[None]:
        """While the block runs, entries that any process uses from now on are not evicted."""
        with ExitStack() as held:
            try:
                held.enter_context(hold_lease(self._leases, self._clock()))
            except OSError:
                self.counters.failures += 1
            try:
                yield
            finally:
                self._crowded = False

    def info(self) -> CacheInfo:
        """Count what is in the folder; an absent folder is an empty cache."""
        entries = self._listing()
        leases = live_leases(self._leases)
        return CacheInfo(
            len(entries),
            sum(entry.bytes for entry in entries),
            self._capacity_bytes,
            len(self._quarantined()),
            len(leases),
        )

    def clear(self) -> int:
        """Remove the quarantine and all entries that no live lease protects; returns the number of entries removed."""
        for path in self._quarantined():
            with suppress(OSError):
                path.unlink(missing_ok=True)
        before = self.counters.evicted
        self._evict(self._listing(), goal_bytes=-1)
        removed = self.counters.evicted - before
        self.counters.evicted = before
        return removed

    def _touch(self, path: Path) -> None:
        now = self._clock()
        try:
            os.utime(path, ns=(now, now))
        except FileNotFoundError:
            return  # evicted since, by another process
        except OSError:
            self.counters.failures += 1

    def _make_room(self, needed_bytes: int) -> bool:
        """Whether `needed_bytes` more may be stored, after evicting if needed."""
        if needed_bytes > self._capacity_bytes:
            return False
        fits = self._stored_bytes + needed_bytes <= self._capacity_bytes
        self._puts_to_listing -= 1
        if self._puts_to_listing >= 0 and (fits or self._crowded):
            return fits
        entries = self._listing()
        self._puts_to_listing = PUTS_BETWEEN_LISTINGS
        self._stored_bytes = sum(entry.bytes for entry in entries)
        if self._stored_bytes + needed_bytes > self._capacity_bytes:
            self._stored_bytes = self._evict(entries, int(self._capacity_bytes * LOW_WATER) - needed_bytes)
        self._crowded = self._stored_bytes + needed_bytes > self._capacity_bytes
        return not self._crowded

    def _evict(self, entries: list[CacheEntry], goal_bytes: int) -> int:
        """Remove the least recently used of `entries` until they take `goal_bytes`; returns the remaining bytes."""
        remaining = sum(entry.bytes for entry in entries)
        protected_ns = min(live_leases(self._leases), default=None)
        for entry in sorted(entries, key=lambda e: (e.used_ns, e.path.name)):
            in_use = protected_ns is not None and entry.used_ns + TIMESTAMP_NS >= protected_ns
            if remaining <= goal_bytes or in_use:
                break
            try:
                if entry.path.stat().st_mtime_ns != entry.used_ns:
                    continue  # another process has used it since the listing
                entry.path.unlink()
            except FileNotFoundError:
                pass
            except OSError:
                self.counters.failures += 1
                continue
            else:
                self.counters.evicted += 1
            remaining -= entry.bytes
        return remaining

    def _listing(self) -> list[CacheEntry]:
        entries, failures = list_entries(self._entries, self._clock())
        self.counters.failures += failures
        return entries

    def _quarantined(self) -> list[Path]:
        return sorted(children(self._quarantine))

    def _put_in_quarantine(self, path: Path) -> None:
        try:
            self._quarantine.mkdir(parents=True, exist_ok=True)
            path.replace(self._quarantine / f"{self._clock():020d}-{path.name}")
            for old in self._quarantined()[:-QUARANTINE_FILES]:
                old.unlink(missing_ok=True)
        except OSError:
            self.counters.failures += 1
