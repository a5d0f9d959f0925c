"""Several jobs at once, until all have ended: a table that renews itself, a line a change, or JSON."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from answerprint.api.job import JobRecord, JobState
from answerprint.api.types import NotFoundError
from answerprint.cli.console import Console
from answerprint.cli.context import Context
from answerprint.cli.jobs.details import as_json
from answerprint.cli.jobs.follow import LOST
from answerprint.cli.jobs.view import JobView, unfinished, view_of
from answerprint.cli.jobs.words import about, frames_words, job_name, listing
from answerprint.errors import AnswerprintError, CancelledError, JobFailedError, NoDaemonError

if TYPE_CHECKING:
    from answerprint.client.client import Client

__all__ = ["overview"]

_EVERY_SECONDS = 1.0
_PATIENCE_SECONDS = 60.0
_INFO_EVERY = 10  # looks; the daemon measures its disks for it


class _Table:
    """A table on a terminal, in the place of the one before."""

    def __init__(self, console: Console) -> None:
        self._console, self._lines = console, 0

    def show(self, looks: Sequence[JobView]) -> None:
        """Write it over the last one."""
        lines = listing(looks)
        room = shutil.get_terminal_size().lines - 1  # what has left the screen cannot be written over
        if len(lines) > room:
            lines = [*lines[: room - 1], f"... and {len(lines) - room + 1} more"]
        self._console.again(lines, self._lines)
        self._lines = len(lines)


class _Changes:
    """A line, or a JSON object, for every job that is not as it was."""

    def __init__(self, context: Context) -> None:
        self._console = context.console
        self._seen: dict[str, object] = {}

    def show(self, looks: Sequence[JobView]) -> None:
        """Write what has changed."""
        for look in looks:
            job = look.job
            now = (job.state, job.frames_done)
            if self._seen.get(job.id) == now:
                continue
            self._seen[job.id] = now
            if self._console.json:
                self._console.event({"event": "job", **as_json(look)})
            else:
                frames = f", {frames_words(job)} frames" if job.frames_total else ""
                said = about(look)
                self._console.out(f"{job_name(job)}: {job.state.value}{frames}{', ' + said if said else ''}")


def overview(
    client: Client, jobs: Sequence[JobRecord], context: Context, *, wait: Callable[[float], None] = time.sleep
) -> int:
    """Show jobs until all have ended; returns the exit code: 0 when all are done. What is deleted is left out.

    A daemon that goes away, or does not answer, is waited for. Raises what keeps it from answering for long.
    """
    view = _Table(context.console) if sys.stdout.isatty() and not context.console.json else _Changes(context)
    lost_since: float | None = None
    looked, suspended = 0, False
    while True:
        try:
            if looked % _INFO_EVERY == 0:
                suspended = client.info().suspended
            looked += 1
            jobs = _renewed(client, jobs)
            looks = view_of(client, jobs, suspended=suspended)
            lost_since = None
        except AnswerprintError as error:
            if lost_since is None:
                lost_since = time.monotonic()
                context.console.err(LOST if isinstance(error, NoDaemonError) else error.message)
            elif time.monotonic() - lost_since > _PATIENCE_SECONDS:
                raise
        else:
            view.show(looks)
            if all(look.job.ended_state for look in looks):
                return _exit_code(looks)
        wait(_EVERY_SECONDS)


def _renewed(client: Client, jobs: Sequence[JobRecord]) -> Sequence[JobRecord]:
    """The same jobs as they stand: those that wait or work by one call, in their order, then those that have ended."""
    wanted = {job.id for job in jobs}
    current = [job for job in unfinished(client) if job.id in wanted]
    unfinished_ids = {job.id for job in current}
    ended = []
    for job in jobs:
        if job.id not in unfinished_ids:
            with suppress(NotFoundError):
                ended.append(job if job.ended_state else client.get(job.id))
    return [*current, *ended]


def _exit_code(looks: Sequence[JobView]) -> int:
    states = {look.job.state for look in looks}
    if JobState.FAILED in states:
        return JobFailedError.exit_code
    return CancelledError.exit_code if JobState.CANCELLED in states else 0
