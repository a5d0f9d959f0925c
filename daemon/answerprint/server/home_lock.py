"""The lock that makes one process the owner of a home folder.

STATE/lock    beside the journal that it guards, so that removing RUN does not let a second daemon in
RUN/lock      the only lock that older versions know; held as well
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
    """Held by the daemon, or while its journal is rebuilt, until `release`."""

    def __init__(self, state: Path, run: Path) -> None:
        """Take the lock without waiting. Raises HeldError, NoDaemonError, StorageError."""
        self._run = run
        try:
            state.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise NoDaemonError(
                f"Cannot create {state} ({error.strerror}).",
                "Create it, or set ANSWERPRINT_HOME to another folder.",
            ) from error
        with ExitStack() as held:
            self._journal_lock = held.enter_context(InstanceLock(_journal_lock(state)))
            prepare_run_folder(run)
            self._run_lock = held.enter_context(InstanceLock(lock_path(run)))
            held.pop_all()

    def guards(self) -> bool:
        """Whether the journal's lock file is in place; without it, another process may write to the journal."""
        return self._journal_lock.in_place()

    def restore_run(self) -> None:
        """Recreate the run folder and its lock if they are gone. Raises what `__init__` raises."""
        prepare_run_folder(self._run)
        if not self._run_lock.in_place():
            new = InstanceLock(lock_path(self._run))
            self._run_lock.release()
            self._run_lock = new

    def release(self) -> None:
        """Release the lock. Idempotent."""
        self._run_lock.release()
        self._journal_lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def find_owner(state: Path, run: Path) -> HeldError | None:
    """The owner of a home folder, reachable or not; None if there is none. Creates nothing. Raises StorageError."""
    for path in (_journal_lock(state), lock_path(run)):
        if os.path.lexists(path):
            try:
                InstanceLock(path).release()
            except HeldError as held:
                return held
    return None
