"""The way to the daemon. gRPC is loaded when a command needs it, not when it explains itself."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from answerprint.cli.context import Context
from answerprint.errors import NoDaemonError

if TYPE_CHECKING:
    from answerprint.cli.jobs.view import JobSource
    from answerprint.client.client import Client

__all__ = ["open_daemon", "reach_daemon", "reach_jobs", "reach_or_wake_daemon", "start_daemon"]


def reach_daemon() -> Client:
    """Return a client of the daemon that runs. Raises NoDaemonError."""
    _quiet()
    from answerprint.client.client import Client

    return Client.connect()


@contextmanager
def reach_jobs(context: Context) -> Iterator[JobSource]:
    """All jobs, to look at: of the daemon, or of the journal where none runs, which a person is told.

    Raises NoDaemonError where there is neither, or a daemon that does not answer; JournalError.
    """
    from answerprint.cli.jobs.stored import kept_jobs, waiting_words

    with ExitStack() as stack:
        try:
            shelf: JobSource = stack.enter_context(reach_daemon())
        except NoDaemonError as error:
            if type(error) is not NoDaemonError:  # one that starts, ends or is of another version
                raise
            kept = stack.enter_context(kept_jobs())
            if kept is None:
                raise
            shelf = kept
            if not context.console.json:
                context.console.err(f"{error.message}{waiting_words()} {error.remedy}")
        yield shelf


def reach_or_wake_daemon(context: Context) -> Client:
    """Return a client of the daemon that runs; one is started where jobs lie in the journal. Raises NoDaemonError."""
    from answerprint.cli.jobs.stored import kept_jobs

    try:
        return reach_daemon()
    except NoDaemonError as error:
        if type(error) is not NoDaemonError:
            raise
        with kept_jobs() as jobs:
            if jobs is None:
                raise
    return open_daemon(context)


def start_daemon(context: Context) -> tuple[Client, bool]:
    """Return a client of the daemon, and whether it was started for it. Raises NoDaemonError."""
    _quiet()
    from answerprint.client.start import ensure_daemon
    from answerprint.home import run_folder
    from answerprint.rpc.session_file import read_session

    try:
        before = read_session(run_folder()).start_id
    except NoDaemonError:
        before = ""
    console = context.console
    on_wait = (lambda message: None) if console.json else console.err
    client = ensure_daemon(context.child_command("daemon"), on_wait=on_wait)
    return client, client.session.start_id != before


def open_daemon(context: Context) -> Client:
    """Return a client of the daemon, which is started where none runs; a person is told. Raises NoDaemonError."""
    client, started = start_daemon(context)
    if started and not context.console.json:
        context.console.err("Started the daemon; it keeps its models warm. To end it: answerprint daemon stop")
    return client


def _quiet() -> None:
    """What gRPC has to say of its connections is for its makers, not for the terminal; it reads this when loaded."""
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
