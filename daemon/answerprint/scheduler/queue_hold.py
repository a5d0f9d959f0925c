"""Whether the queue is suspended; survives a restart of the daemon."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path

from answerprint.store import atomic

__all__ = ["QueueHold"]

_log = logging.getLogger(__name__)


class QueueHold:
    """Why the queue is suspended, None if it is not; stored in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.reason: str | None = None
        self.lasting = True
        """Whether the user suspended it; otherwise a problem did, which may be over."""
        with contextlib.suppress(OSError):
            self.reason = path.read_text(encoding="utf-8", errors="replace")

    def set(self, reason: str, *, lasting: bool = True) -> None:
        """Suspend the queue. lasting: also after a restart; if it cannot be stored, only until then."""
        self.reason, self.lasting = reason, lasting
        if lasting:
            try:
                atomic.write_bytes(self._path, reason.encode(), overwrite=True, mode=0o600)
            except OSError as error:
                _log.warning("the queue will not stay suspended after a restart: %s", error.strerror)

    def clear(self) -> None:
        """Resume the queue."""
        self.reason = None
        with contextlib.suppress(OSError):  # then it is suspended again at the next start
            self._path.unlink(missing_ok=True)
