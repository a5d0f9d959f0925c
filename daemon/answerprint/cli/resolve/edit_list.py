"""`answerprint resolve queue --from LIST` and `finish --from LIST`, which need no Resolve."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from answerprint.api.job import UNFINISHED, JobRecord
from answerprint.cli.connect import open_daemon
from answerprint.cli.context import Context
from answerprint.cli.jobs.follow import watch
from answerprint.cli.resolve.arguments import restore_settings_of
from answerprint.cli.settings import absolute
from answerprint.errors import AnswerprintError, InputError, JobFailedError, NoDaemonError
from answerprint.resolve.conform.rates import rate as exact_rate
from answerprint.resolve.edit_lists import EditList, ListEntry, Master, write_list
from answerprint.resolve.restore.edit_list import (
    jobs_for,
    jobs_of_list,
    open_list,
    restored_list_path,
    restored_of_list,
)
from answerprint.resolve.restore.settings import RestoreSettings
from answerprint.text import counted

if TYPE_CHECKING:
    from answerprint.client.client import Client

__all__ = ["finish_list", "queue_list"]


def queue_list(args: Namespace, context: Context) -> int:
    """Queue the clips of an edit list and return the exit code."""
    with open_daemon(context) as client:
        edit = _open(args, client)
        for entry in edit.refused:
            _report_refused(entry, context)
        taken = [job.output for job in client.all_jobs(list(UNFINISHED))]
        jobs, without_place = jobs_of_list(edit, restore_settings_of(args, RestoreSettings()), taken)
        for master, error in without_place:
            _report_piece_refused(master, error, context)
        refused = len(without_place)
        queued = []
        for (master, _), answer in zip(jobs, client.submit_all(new for _, new in jobs), strict=True):
            if isinstance(answer, NoDaemonError):
                raise answer
            if isinstance(answer, AnswerprintError):
                refused += 1
                _report_piece_refused(master, answer, context)
                continue
            queued.append(answer[0])
            _report_queued(master, answer[0], context)
        if not queued:
            raise InputError("No clip of this list can be restored.", "See the reasons above.")
        # A program that reads the exit code must not take an incomplete list for queued.
        missing = sum(each.missing for each in edit.refused)
        code = InputError.exit_code if missing or refused else 0
        if missing and not context.console.json:
            context.console.err(f"{counted(missing, 'event')} not queued: the media are missing.")
        if not args.wait:
            if not context.console.json:
                context.console.err(
                    f"To write the list with the restored clips later: answerprint resolve finish --from {edit.path}"
                )
            return code
        for job in queued:
            watch(client, job, context)
        return _write(edit, args, client, context) or code


def _report_queued(master: Master, job: JobRecord, context: Context) -> None:
    facts = {"job": job.id, "number": job.number, "input": job.input, "output": job.output}
    span = {"range": [master.first, master.stop], "events": [each.event for each in master.entries]}
    if not context.console.tell({"event": "submitted", **facts, **span}):
        frames = f"frames {master.first} to {master.stop - 1}"
        context.console.out(f"job {job.number}: {job.input}, {frames} -> {job.output}")


def _report_piece_refused(master: Master, error: AnswerprintError, context: Context) -> None:
    for entry in master.entries:
        _report_refused(replace(entry, refusal=error.message, remedy=error.remedy), context)


def finish_list(args: Namespace, context: Context) -> int:
    """Write the edit list with the restored clips and return the exit code."""
    with open_daemon(context) as client:
        return _write(_open(args, client), args, client, context)


def _open(args: Namespace, client: Client) -> EditList:
    return open_list(
        Path(absolute(args.list_file)),
        client.describe_all,
        None if args.media is None else Path(absolute(args.media)),
        _rate(args.rate),
    )


def _rate(text: str | None) -> Fraction | None:
    return None if text is None else exact_rate(text)


def _write(edit: EditList, args: Namespace, client: Client, context: Context) -> int:
    jobs = list(jobs_for(edit, client.all_jobs()))
    if not jobs:
        raise InputError(
            f"No clip of {edit.path.name} was queued.", f"Queue them: answerprint resolve queue --from {edit.path}"
        )
    restored, missing = restored_of_list(edit, jobs, client.describe_all)
    path = restored_list_path(edit.path)
    left = write_list(edit, restored, path, overwrite=True) if restored else edit.entries
    console = context.console
    if console.json:
        console.event(
            {"event": "done", "list": str(path) if restored else "", "restored": len(restored), "left": len(left)}
        )
        return 0 if restored else JobFailedError.exit_code
    if restored:
        console.out(str(path))
        console.err("In Resolve: File > Import > Timeline.")
    if left:
        console.err(f"{counted(len(left), 'event')} still {'uses' if len(left) == 1 else 'use'} the source.")
    for job in missing:
        console.err(f"job {job.number} ({job.label}) is {job.state.value}")
    return 0 if restored else JobFailedError.exit_code


def _report_refused(entry: ListEntry, context: Context) -> None:
    event = {
        "event": "refused", "clip": entry.name, "list_event": entry.event, "record": entry.record,
        "code": "list", "message": entry.refusal, "remedy": entry.remedy, "missing": entry.missing,
    }  # fmt: skip
    if context.console.tell(event):
        return
    context.console.err(f"event {entry.event} ({entry.name}): {entry.refusal}")
    if entry.remedy:
        context.console.err(f"  {entry.remedy}")
