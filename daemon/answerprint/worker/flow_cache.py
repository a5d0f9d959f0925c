"""The flow cache of this user, and the program behind `answerprint flow-cache`. It loads neither torch nor OpenCV."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

from answerprint.flow.cache import FlowCache
from answerprint.home import flow_cache_folder

__all__ = ["CAPACITY_BYTES", "main", "open_flow_cache"]

CAPACITY_BYTES = 4 * 1024**3
"""An entry of a 1080p pair takes about 0.5 MB: some hours of footage."""


def open_flow_cache() -> FlowCache:
    """The cache that every job of this user shares."""
    return FlowCache(flow_cache_folder(), CAPACITY_BYTES)


def main(argv: Sequence[str]) -> int:
    """`info` or `clear`, and `--json`; returns the exit code."""
    cache = open_flow_cache()
    facts: dict[str, object] = {"event": "flow_cache", "folder": str(flow_cache_folder())}
    if "clear" in argv:
        facts["removed"] = cache.clear()
    info = cache.info()
    facts |= asdict(info)
    if "--json" in argv:
        sys.stdout.write(json.dumps(facts) + "\n")
        return 0
    if "removed" in facts:
        sys.stdout.write(f"{facts['removed']} entries removed\n")
    sys.stdout.write(
        f"{info.entries} entries, {info.bytes / 2**20:.1f} MiB of {info.capacity_bytes / 2**30:.1f} GiB, "
        f"in {facts['folder']}\n"
    )
    if info.quarantined:
        sys.stdout.write(f"{info.quarantined} damaged entries put aside\n")
    if info.leases:
        sys.stdout.write(f"{info.leases} running jobs use it\n")
    return 0
