"""Watch several jobs until all have ended: a live table on a terminal, else a line or a JSON object per change."""

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
from answerprint.cli.jobs.details import as_json, warnings_in
from answerprint.cli.jobs.follow import LOST
from answerprint.cli.jobs.view import JobView, history, unfinished, view_of
from answerprint.cli.jobs.words import about, frames_words, job_name, listing
from answerprint.errors import AnswerprintError, CancelledError, JobFailedError, NoDaemonError

if TYPE_CHECKING:
    from answerprint.client.client import Client

__all__ = ["overview"]

_EVERY_SECONDS = 1.0
_PATIENCE_SECONDS = 60.0
_MOST_WARNED = 100  # jobs; the others say it in `jobs show`
_INFO_EVERY = 10  # polls; each costs the daemon a measurement of its disks


class _Table:
    """A table on a terminal, which replaces the one before."""

    def __init__(self, console: Console) -> None:
        self._console, self._lines = console, 0

    def show(self, views: Sequence[JobView]) -> None:
        """Write the table over the last one."""
        lines = listing(views)
        room = shutil.get_terminal_size().lines - 1  # lines that have scrolled away cannot be replaced
        if len(lines) > room:
            lines = [*lines[: room - 1], f"... and {len(lines) - room + 1} more"]
        self._console.replace_lines(lines, self._lines)
        self._lines = len(lines)


class _Changes:
    """A line, or a JSON object, for every job that has changed."""

    def __init__(self, context: Context) -> None:
        self._console = context.console
        self._seen: dict[str, object] = {}

    def show(self, views: Sequence[JobView]) -> None:
        """Write the jobs that have changed."""
        for view in views:
            job = view.job
            now = (job.state, job.frames_done)
            if self._seen.get(job.id) == now:
                continue
            self._seen[job.id] = now
            if self._console.json:
                self._console.event({"event": "job", **as_json(view)})
            else:
                frames = f", {frames_words(job)} frames" if job.frames_total else ""
                note = about(view)
                self._console.out(f"{job_name(job)}: {job.state.value}{frames}{', ' + note if note else ''}")


def overview(
    client: Client, jobs: Sequence[JobRecord], context: Context, *, wait: Callable[[float], None] = time.sleep
) -> int:
    """Show jobs until all have ended; returns the exit code, 0 if all are done. Deleted jobs are dropped.

    Waits for a daemon that goes away or does not answer, and raises the error after a minute.
    """
    display = _Table(context.console) if sys.stdout.isatty() and not context.console.json else _Changes(context)
    lost_since: float | None = None
    polls, suspended = 0, False
    while True:
        try:
            if polls % _INFO_EVERY == 0:
                suspended = client.info().suspended
            polls += 1
            jobs = _refreshed(client, jobs)
            views = view_of(client, jobs, suspended=suspended)
            lost_since = None
        except AnswerprintError as error:
            if lost_since is None:
                lost_since = time.monotonic()
                context.console.err(LOST if isinstance(error, NoDaemonError) else error.message)
            elif time.monotonic() - lost_since > _PATIENCE_SECONDS:
                raise
        else:
            display.show(views)
            if all(view.job.ended_state for view in views):
                if not context.console.json:
                    _say_warnings(client, views, context.console)
                return _exit_code(views)
        wait(_EVERY_SECONDS)


def _say_warnings(client: Client, views: Sequence[JobView], console: Console) -> None:
    """Write what each finished job warns of: who queued it has not seen it yet."""
    done = sorted((view for view in views if view.job.state is JobState.DONE), key=lambda view: view.job.number)
    for view in done[:_MOST_WARNED]:
        with suppress(AnswerprintError):
            for said in warnings_in(history(client, view.job)):
                console.err(f"{job_name(view.job)}: warning: {said}")


def _refreshed(client: Client, jobs: Sequence[JobRecord]) -> Sequence[JobRecord]:
    """The same jobs in their current state: unfinished ones in the order of the queue, then those that have ended."""
    wanted = {job.id for job in jobs}
    current = [job for job in unfinished(client) if job.id in wanted]
    unfinished_ids = {job.id for job in current}
    ended = []
    for job in jobs:
        if job.id not in unfinished_ids:
            with suppress(NotFoundError):
                ended.append(job if job.ended_state else client.get(job.id))
    return [*current, *ended]


def _exit_code(views: Sequence[JobView]) -> int:
    states = {view.job.state for view in views}
    if JobState.FAILED in states:
        return JobFailedError.exit_code
    return CancelledError.exit_code if JobState.CANCELLED in states else 0
