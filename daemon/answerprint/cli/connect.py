"""Connect commands to the daemon. gRPC is imported only when a command needs it, so that --help is fast."""

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
    """Return a client of the running daemon. Raises NoDaemonError."""
    _quiet()
    from answerprint.client.client import Client

    return Client.connect()


@contextmanager
def reach_jobs(context: Context) -> Iterator[JobSource]:
    """Yield a read-only view of all jobs: from the daemon or, if none is running, from the journal, with a notice.

    Raises NoDaemonError if there is neither, or if the daemon does not answer; JournalError.
    """
    from answerprint.cli.jobs.stored import stored_jobs, waiting_words

    with ExitStack() as stack:
        try:
            source: JobSource = stack.enter_context(reach_daemon())
        except NoDaemonError as error:
            if type(error) is not NoDaemonError:  # it is starting, stopping or of another version
                raise
            stored = stack.enter_context(stored_jobs())
            if stored is None:
                raise
            source = stored
            if not context.console.json:
                context.console.err(f"{error.message}{waiting_words()} {error.remedy}")
        yield source


def reach_or_wake_daemon(context: Context) -> Client:
    """Return a client of the daemon; start one if the journal exists. Raises NoDaemonError."""
    from answerprint.cli.jobs.stored import stored_jobs

    try:
        return reach_daemon()
    except NoDaemonError as error:
        if type(error) is not NoDaemonError:
            raise
        with stored_jobs() as jobs:
            if jobs is None:
                raise
    return open_daemon(context)


def start_daemon(context: Context) -> tuple[Client, bool]:
    """Return a client of the daemon, and whether this call started it. Raises NoDaemonError."""
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
    """Return a client of the daemon; start one with a notice if none is running. Raises NoDaemonError."""
    client, started = start_daemon(context)
    if started and not context.console.json:
        context.console.err("Started the daemon; it keeps models loaded. To stop it: answerprint daemon stop")
    return client


def _quiet() -> None:
    """Silence gRPC's own log, which it would write to the terminal. It reads this variable when it is imported."""
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
