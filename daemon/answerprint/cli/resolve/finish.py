"""`answerprint resolve finish` and `undo`, and the background process that puts clips back for the menu."""

from __future__ import annotations

import os
import subprocess
from argparse import Namespace
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from answerprint.api.types import NotFoundError
from answerprint.cli.connect import open_daemon
from answerprint.cli.context import Context
from answerprint.cli.times import duration
from answerprint.errors import JobFailedError
from answerprint.home import home, logs_folder
from answerprint.ipc.child_log import create_log
from answerprint.resolve.api import Resolve
from answerprint.resolve.bridge.attach import attached
from answerprint.resolve.edition import Capability, Edition
from answerprint.resolve.install.scripts import this_program
from answerprint.resolve.put_back import Outcome, undo
from answerprint.resolve.put_back.ledger import Ledger
from answerprint.resolve.restore.finish import Finished, follow_jobs, put_finished
from answerprint.resolve.restore.join import join_plan_of
from answerprint.text import counted

__all__ = ["WORDS", "follow_with_output", "open_resolve", "report_finished", "report_outcome", "run", "start_follower"]

if TYPE_CHECKING:
    from answerprint.client.client import Client


WORDS = {
    "put": "put back",
    "already": "already there",
    "removed": "skipped: you removed it from the project (to put it back: resolve finish JOB --again)",
    "undone": "removed from the project",
    "nothing": "not in the project",
    "failed": "could not be put back",
}


@contextmanager
def open_resolve() -> Iterator[Resolve]:
    """Yield the running Resolve. Raises NoResolveError, and EditionError if this edition forbids external scripting."""
    with attached() as bridge:
        resolve = Resolve(bridge.root)
        # First of all: on the free edition a Studio-only call opens a dialog, and all later calls fail.
        Edition.of(resolve.product(), resolve.version()).need(Capability.EXTERNAL)
        yield resolve


def run(args: Namespace, context: Context) -> int:
    """Run the action and return the exit code."""
    return _undo(args, context) if args.action == "undo" else _finish(args, context)


def _finish(args: Namespace, context: Context) -> int:
    if args.list_file:
        from answerprint.cli.resolve.edit_list import finish_list

        return finish_list(args, context)
    if args.follow:
        with open_resolve():
            pass  # raises before a daemon is started
        with open_daemon(context) as client:
            only = [_job(client, each) for each in args.jobs]
            finished = follow_with_output(client, only, context)
        return report_finished(finished, context)
    with open_resolve() as resolve, open_daemon(context) as client:
        only = [_job(client, each) for each in args.jobs]
        finished = put_finished(resolve, client, Ledger(), only, again=args.again)
    for outcome in finished.outcomes:
        report_outcome(outcome, context)
    return report_finished(finished, context)


def follow_with_output(client: Client, only: Collection[str], context: Context) -> Finished:
    """Wait until these jobs are done and put back, and report each clip. Reports when Resolve is not available."""

    def away(seconds: float) -> None:
        if context.console.json:
            context.console.event({"event": "away", "waits_seconds": seconds})
        else:
            context.console.err(
                f"Resolve is closed, busy or has another project open. Waiting up to {duration(seconds)} for it. "
                "You can press Ctrl-C and put the clips back later: answerprint resolve finish"
            )

    return follow_jobs(client, only, open_resolve, lambda outcome: report_outcome(outcome, context), on_away=away)


def _undo(args: Namespace, context: Context) -> int:
    with open_daemon(context) as client:
        jobs = [_job(client, each) for each in args.jobs]
    failed = False
    with open_resolve() as resolve:
        for job in jobs:
            outcome = undo(resolve, job, Ledger())
            failed |= outcome.state == "failed"
            report_outcome(outcome, context)
    if context.console.json:
        context.console.event({"event": "done", "jobs": len(jobs)})
    return JobFailedError.exit_code if failed else 0


def _job(client: Client, reference: str) -> str:
    """The job id under which a clip is put back."""
    try:
        job = client.get(reference)
    except NotFoundError:
        # Deleted in the daemon, or never a job of its own: the ledger still knows where the clip is.
        if Ledger().read(reference) is None:
            raise
        return reference
    whole = join_plan_of(job)
    return job.id if whole is None else whole.id


def report_outcome(outcome: Outcome, context: Context) -> None:
    """Report one clip and its warnings."""
    console = context.console
    if console.tell({"event": "put", **outcome.to_json()}):
        return
    where = f" ({outcome.did})" if outcome.did and outcome.state in ("put", "already") else ""
    console.out(f"{outcome.path}: {WORDS[outcome.state]}{where}")
    for warning in outcome.warnings:
        console.err(f"  {warning}")


def report_finished(finished: Finished, context: Context) -> int:
    """Report failed and unfinished jobs, and return the exit code."""
    console = context.console
    states = [outcome.state for outcome in finished.outcomes]
    for job, reason in finished.failed:
        if not console.tell({"event": "failed", "job": job.id, "number": job.number, "message": reason}):
            console.err(f"job {job.number} ({job.label}): {reason}")
    if console.json:
        counts = {str(state): states.count(state) for state in sorted(set(states))}
        console.event(
            {"event": "done", **counts, "waiting": len(finished.waiting), "failed_jobs": len(finished.failed)}
        )
    else:
        if finished.waiting:
            console.err(f"{counted(len(finished.waiting), 'job')} not done yet; to watch: answerprint jobs watch")
        if not (states or finished.failed or finished.waiting):
            console.out("No clip of this project has been restored yet.")
    return JobFailedError.exit_code if "failed" in states else 0


def start_follower(context: Context) -> bool:
    """Start `resolve finish --follow` as a detached process; returns whether it started."""
    try:
        log = create_log(logs_folder(), "resolve-follow")
        with log.open("ab") as output:
            subprocess.Popen(  # noqa: S603 - our own program
                [*this_program().command, "resolve", "finish", "--follow"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=home(),
                start_new_session=os.name != "nt",
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
                | getattr(subprocess, "DETACHED_PROCESS", 0),
            )
    except OSError:
        return False
    return True
