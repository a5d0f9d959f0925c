"""Runs every journal call of the event loop in the thread that owns the journal, in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from answerprint.errors import NoDaemonError
from answerprint.store.journal import Journal

__all__ = ["JournalThread"]

P = ParamSpec("P")
T = TypeVar("T")


class JournalThread:
    """Owns a journal and its thread: a slow disk delays the call, not the event loop."""

    def __init__(self, open_journal: Callable[[], Journal]) -> None:
        """Open the journal in its thread. Raises what `open_journal` raises."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._closed = False
        try:
            self.journal = self._thread.submit(open_journal).result()
        except BaseException:
            self._thread.shutdown()
            raise

    async def run(self, method: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a method of the journal, or a function that calls several; nothing runs in between.

        Raises what it raises, and NoDaemonError after `close`. Cancelling the caller does not cancel the call.
        """
        if self._closed:
            raise NoDaemonError("The daemon is stopping.", "Try again after it has restarted.")
        loop = asyncio.get_running_loop()
        return await asyncio.shield(loop.run_in_executor(self._thread, partial(method, *args, **kwargs)))

    async def close(self) -> None:
        """Close the journal after all earlier calls. Idempotent."""
        if self._closed:
            return
        closing = asyncio.get_running_loop().run_in_executor(self._thread, self.journal.close)
        self._closed = True
        try:
            await closing
        finally:
            self._thread.shutdown()
