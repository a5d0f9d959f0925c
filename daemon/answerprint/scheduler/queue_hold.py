"""A hold of the queue that outlives the daemon: who held it at night does not find it at work in the morning."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path

from answerprint.store import atomic

__all__ = ["QueueHold"]

_log = logging.getLogger(__name__)


class QueueHold:
    """Why the queue is held, None where it is not; kept in a file that holds the reason."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.reason: str | None = None
        self.lasting = True
        """Whether somebody wanted it; else a problem made it, which may be over."""
        with contextlib.suppress(OSError):
            self.reason = path.read_text(encoding="utf-8", errors="replace")

    def set(self, reason: str, *, lasting: bool = True) -> None:
        """Hold it. lasting: also after a restart. What cannot be kept holds as long as this process lives."""
        self.reason, self.lasting = reason, lasting
        if lasting:
            try:
                atomic.write_bytes(self._path, reason.encode(), overwrite=True, mode=0o600)
            except OSError as error:
                _log.warning("the hold will not outlive the daemon: %s", error.strerror)

    def clear(self) -> None:
        """Let it go on."""
        self.reason = None
        with contextlib.suppress(OSError):  # then it is held at the next start, and says why
            self._path.unlink(missing_ok=True)
