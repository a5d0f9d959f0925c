"""This user's flow cache, and the program behind `answerprint flow-cache`. Imports neither torch nor OpenCV."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

from answerprint.flow.cache import FlowCache
from answerprint.home import flow_cache_folder
from answerprint.text import counted

__all__ = ["CAPACITY_BYTES", "main", "open_flow_cache"]

CAPACITY_BYTES = 4 * 1024**3
"""An entry of a 1080p pair takes about 0.5 MB: some hours of footage."""


def open_flow_cache() -> FlowCache:
    """Open the cache that all jobs of this user share."""
    return FlowCache(flow_cache_folder(), CAPACITY_BYTES)


def main(argv: Sequence[str]) -> int:
    """`info` or `clear`, and `--json`; returns the exit code."""
    cache = open_flow_cache()
    facts: dict[str, object] = {"event": "flow_cache", "folder": str(flow_cache_folder())}
    removed = cache.clear() if "clear" in argv else None
    if removed is not None:
        facts["removed"] = removed
    info = cache.info()
    facts |= asdict(info)
    if "--json" in argv:
        sys.stdout.write(json.dumps(facts) + "\n")
        return 0
    if removed is not None:
        sys.stdout.write(f"{_entries(removed)} removed\n")
    sys.stdout.write(
        f"{_entries(info.entries)}, {info.bytes / 2**20:.1f} MiB of {info.capacity_bytes / 2**30:.1f} GiB, "
        f"in {facts['folder']}\n"
    )
    if info.quarantined:
        sys.stdout.write(f"{counted(info.quarantined, 'damaged entry', 'damaged entries')} in quarantine\n")
    if info.leases:
        sys.stdout.write(f"{counted(info.leases, 'running job')} {'uses' if info.leases == 1 else 'use'} it\n")
    return 0


def _entries(number: int) -> str:
    return counted(number, "entry", "entries")
