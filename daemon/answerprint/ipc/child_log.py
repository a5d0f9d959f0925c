"""Log files for the standard error of child processes."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

__all__ = ["KEEP", "create_log", "last_line"]

KEEP = 20
_TAIL_BYTES = 4096
_LONGEST = 200


def create_log(folder: Path, kind: str) -> Path:
    """Create an empty log that only its owner can read, and delete all but the latest `KEEP` logs of this kind."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in sorted(folder.glob(f"{kind}-*.log"))[: -KEEP + 1]:
        with contextlib.suppress(OSError):  # another process prunes as well
            old.unlink()
    path = folder / f"{kind}-{time.strftime('%Y%m%d-%H%M%S')}-{time.time_ns() % 10**9:09}-{os.getpid()}.log"
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    return path


def last_line(path: Path) -> str:
    """Return the last line that is not blank, cut to 200 characters; empty if there is none."""
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - _TAIL_BYTES))
            lines = file.read().decode("utf-8", "replace").split("\n")
    except OSError:
        return ""
    return next((line.strip()[:_LONGEST] for line in reversed(lines) if line.strip()), "")
