"""Whose a home is: the one process that holds its journal, and the folder by which it is reached.

STATE/lock    beside the journal, which it guards: whoever removes RUN does not let a second daemon in
RUN/lock      of older versions, which know no other; held as well
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from answerprint.errors import NoDaemonError
from answerprint.rpc.session_file import lock_path, prepare_run_folder
from answerprint.store.lock import HeldError, InstanceLock

__all__ = ["HomeLock", "find_owner"]


def _journal_lock(state: Path) -> Path:
    return state / "lock"


class HomeLock:
    """Held by the daemon, and by whoever makes its journal again, from the start to `release`."""

    def __init__(self, state: Path, run: Path) -> None:
        """Take it at once, or not at all. Raises HeldError, NoDaemonError, StorageError."""
        self._run = run
        try:
            state.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise NoDaemonError(
                f"The folder {state} cannot be made ({error.strerror}).",
                "Make it, or set ANSWERPRINT_HOME to another.",
            ) from error
        with ExitStack() as held:
            self._journal = held.enter_context(InstanceLock(_journal_lock(state)))
            prepare_run_folder(run)
            self._reach = held.enter_context(InstanceLock(lock_path(run)))
            held.pop_all()

    def guards(self) -> bool:
        """Whether the journal is still guarded; once it is not, another process may write to it at any time."""
        return self._journal.in_place()

    def restore_run(self) -> None:
        """Make the run folder, and its lock, again where they are gone. Raises what the start raises."""
        prepare_run_folder(self._run)
        if not self._reach.in_place():
            again = InstanceLock(lock_path(self._run))
            self._reach.release()
            self._reach = again

    def release(self) -> None:
        """Let others have it; again is no error."""
        self._reach.release()
        self._journal.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def find_owner(state: Path, run: Path) -> HeldError | None:
    """Who holds the home, whether or not it can be reached; None for nobody. Makes nothing. Raises StorageError."""
    for path in (_journal_lock(state), lock_path(run)):
        if os.path.lexists(path):
            try:
                InstanceLock(path).release()
            except HeldError as held:
                return held
    return None
