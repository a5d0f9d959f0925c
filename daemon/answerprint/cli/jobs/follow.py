"""Show a job of the daemon to its end, or to the user's."""

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

LOST = "The daemon has gone; work goes on when it is back."


def do_job(client: Client, new: NewJob, context: Context) -> Message:
    """Submit a job and show it; returns its final event, `done` or `error`.

    A Ctrl-C, a request to end and a reader that goes away cancel the job, then pass through. One that was done before
    it could be cancelled is done. A second Ctrl-C leaves at once.
    """
    presenter = choose_presenter(context.console)
    try:
        try:
            job, _ = client.submit(new)
            if before := _what_is_before(job, client.info()):
                presenter.show(waiting(before))
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
    """Show a job that is there already; returns its final event. Leaving changes nothing for the job."""
    presenter = choose_presenter(context.console)
    try:
        return follow_events(client, job, presenter)
    finally:
        presenter.close()


def follow_events(client: Client, job: JobRecord, presenter: Presenter) -> Message:
    """Show a job's events to the end; returns the final one. Raises NoDaemonError when the daemon stays away."""
    story = EventFormatter(job.id, job.number)
    try:
        for happening in client.watch(job.id, on_lost=lambda: presenter.show(events.warning(LOST))):
            for event in story.tell(happening):
                presenter.show(event)
    except NoDaemonError as error:
        raise NoDaemonError(
            f"The daemon has gone and does not come back: {error.message}",
            f"Job {job.number} goes on with it: answerprint daemon start, then: answerprint jobs watch {job.number}",
        ) from error
    if story.ending is None:
        raise JobFailedError(f"Nothing is known of the end of job {job.number}.", "Look at: answerprint jobs list")
    presenter.show(story.ending)
    return story.ending


def _cancel(client: Client, job: str, context: Context) -> Message | None:
    """Cancel a job; returns the final event of one that was done already."""
    console = context.console
    if not console.json:
        console.err("Cancelling the job; press Ctrl-C again to leave at once.")
        console.err("  With --detach a job goes on without this terminal.")
    try:
        client.cancel(job)
    except NoDaemonError:
        if not console.json:
            console.err("The daemon does not answer: the job is still in its queue. See: answerprint jobs list")
    except AnswerprintError:
        return _ending(client, job)
    return None


def _ending(client: Client, job: str) -> Message | None:
    """The final event of a job that is done; None for all others."""
    try:
        if client.get(job).state is not JobState.DONE:
            return None
    except AnswerprintError:
        return None  # it never came to the daemon
    for happening in client.watch(job, progress=False):
        if happening.event["event"] == "done":
            return happening.event
    return None


def _what_is_before(job: JobRecord, info: DaemonInfo) -> str:
    """Why a new job does not begin at once; empty where it does."""
    if info.suspended:
        reason = f" ({info.suspend_reason})" if info.suspend_reason else ""
        return f"waiting: the queue is suspended{reason}; to go on: answerprint queue resume"
    before = sum(info.jobs.get(state.value, 0) for state in UNFINISHED - {JobState.PAUSED, JobState.MUXING}) - 1
    if before <= 0:
        return ""
    if job.kind == "preview":
        return "waiting for the end of the running chunk"
    return f"waiting: {counted(before, 'job')} before it"
