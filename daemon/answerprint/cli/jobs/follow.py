"""Show the progress of a job until it ends or the user interrupts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from answerprint.api.job import UNFINISHED, JobRecord, JobState
from answerprint.api.types import DaemonInfo, NewJob
from answerprint.cli.context import Context
from answerprint.cli.jobs.event_formatter import EventFormatter, waiting
from answerprint.cli.progress import Presenter, choose_presenter
from answerprint.errors import AnswerprintError, CancelledError, JobFailedError, NoDaemonError
from answerprint.ipc import events
from answerprint.ipc.messages import Message
from answerprint.text import counted

if TYPE_CHECKING:
    from answerprint.client.client import Client

__all__ = ["LOST", "do_job", "follow_events", "watch"]

LOST = "Lost the connection to the daemon; waiting for it to come back."


def do_job(client: Client, new: NewJob, context: Context) -> Message:
    """Submit a job and show its progress; returns its final event, `done` or `error`.

    Ctrl-C, SIGTERM and a closed output cancel the job and are raised again, unless the job was done before it could be
    cancelled. A second Ctrl-C exits at once.
    """
    presenter = choose_presenter(context.console)
    try:
        try:
            job, _ = client.submit(new)
            if reason := _waiting_reason(job, client.info()):
                presenter.show(waiting(reason))
            return follow_events(client, job, presenter)
        except (KeyboardInterrupt, CancelledError, BrokenPipeError) as interruption:
            presenter.close()
            final = _cancel(client, new.id, context)
            if final is None:
                raise interruption
            if context.console.json:
                presenter.show(final)
            return final
    finally:
        presenter.close()


def watch(client: Client, job: JobRecord, context: Context) -> Message:
    """Show the progress of a submitted job; returns its final event. Ctrl-C does not affect the job."""
    presenter = choose_presenter(context.console)
    try:
        return follow_events(client, job, presenter)
    finally:
        presenter.close()


def follow_events(client: Client, job: JobRecord, presenter: Presenter) -> Message:
    """Show a job's events until it ends; returns the final one. Raises NoDaemonError if the daemon stays away."""
    formatter = EventFormatter(job.id, job.number)
    try:
        for job_event in client.watch(job.id, on_lost=lambda: presenter.show(events.warning(LOST))):
            for event in formatter.format(job_event):
                presenter.show(event)
    except NoDaemonError as error:
        raise NoDaemonError(
            f"Lost the connection to the daemon: {error.message}",
            f"To continue job {job.number}: answerprint daemon start, then answerprint jobs watch {job.number}",
        ) from error
    if formatter.ending is None:
        raise JobFailedError(f"The daemon did not report how job {job.number} ended.", "See: answerprint jobs list")
    presenter.show(formatter.ending)
    return formatter.ending


def _cancel(client: Client, job: str, context: Context) -> Message | None:
    """Cancel a job; returns its final event if it was already done."""
    console = context.console
    if not console.json:
        console.err("Cancelling the job; press Ctrl-C again to exit at once.")
        console.err("  With --detach, a job runs on without this terminal.")
    try:
        client.cancel(job)
    except NoDaemonError:
        if not console.json:
            console.err("The daemon does not answer; the job is still in its queue. See: answerprint jobs list")
    except AnswerprintError:
        return _ending(client, job)
    return None


def _ending(client: Client, job: str) -> Message | None:
    """The final event of a job that is done; None for all others."""
    try:
        if client.get(job).state is not JobState.DONE:
            return None
    except AnswerprintError:
        return None  # the job never reached the daemon
    for job_event in client.watch(job, progress=False):
        if job_event.event["event"] == "done":
            return job_event.event
    return None


def _waiting_reason(job: JobRecord, info: DaemonInfo) -> str:
    """Why a new job does not start at once; empty if it does."""
    if info.suspended:
        reason = f" ({info.suspend_reason})" if info.suspend_reason else ""
        return f"waiting: the queue is suspended{reason}; to resume it: answerprint queue resume"
    ahead = sum(info.jobs.get(state.value, 0) for state in UNFINISHED - {JobState.PAUSED, JobState.MUXING}) - 1
    if ahead <= 0:
        return ""
    if job.kind == "preview":
        return "waiting for the current chunk of the running job"
    return f"waiting: {counted(ahead, 'job')} ahead"
