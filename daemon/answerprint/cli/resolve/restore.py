"""`answerprint resolve restore` and `queue`."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from answerprint.api.job import JobRecord
from answerprint.cli.connect import open_daemon
from answerprint.cli.context import Context
from answerprint.cli.resolve.arguments import restore_settings_of
from answerprint.cli.resolve.finish import follow_with_output, open_resolve, report_finished, report_outcome
from answerprint.cli.settings import absolute
from answerprint.errors import CancelledError, InputError, JobFailedError
from answerprint.resolve.conform.selection import BY, SelectionRule
from answerprint.resolve.put_back.modes import PutBackMode, mode_named
from answerprint.resolve.restore.finish import Finished
from answerprint.resolve.restore.job import Planned
from answerprint.resolve.restore.plan import Refused
from answerprint.resolve.restore.settings import recall_settings
from answerprint.resolve.restore.submit import Queued, Said, queue_selection, settings_folder
from answerprint.store.atomic import write_bytes
from answerprint.store.quota import storage_error
from answerprint.text import counted

if TYPE_CHECKING:
    from answerprint.client.client import Client

__all__ = ["job_line", "run", "selection_of"]


def run(args: Namespace, context: Context) -> int:
    """Run the action, write the report if one is asked for, and return the exit code."""
    if getattr(args, "report", None) is None:
        return _run(args, context)
    path, clips = Path(absolute(args.report)), list[Mapping[str, object]]()
    if not path.parent.is_dir():
        raise InputError(f"The folder of the report {path} does not exist.", "Create it, or give another file.")
    try:
        return _run(args, replace(context, console=replace(context.console, kept=clips)))
    finally:  # also if the command fails: what became of the clips until then is not known otherwise
        write_report(path, clips)


def write_report(path: Path, clips: Sequence[Mapping[str, object]]) -> None:
    """Write the results of clips as a JSON array, in place of an older report. Raises OutputError, DiskFullError."""
    try:
        write_bytes(path, json.dumps(clips, indent=1).encode() + b"\n", overwrite=True)
    except OSError as error:
        raise storage_error(error, path) from error


def _run(args: Namespace, context: Context) -> int:
    if getattr(args, "list_file", None):
        from answerprint.cli.resolve.edit_list import queue_list

        return queue_list(args, context)
    selection = selection_of(args)
    with ExitStack() as stack:
        # Resolve first, so that no daemon is started without it. It is released before waiting for jobs.
        with open_resolve() as resolve:
            client = stack.enter_context(open_daemon(context))
            settings = restore_settings_of(args, recall_settings(settings_folder(), resolve.project().id()))
            if (mode := mode_named(settings.put)).changes:
                _confirm(mode, args, context)
            queued = queue_selection(
                resolve,
                client,
                selection,
                settings,
                reporter(context),
                again=args.again,
                through=args.through,
                graded=args.graded,
            )
        _report_summary(queued, context)
        if not (queued.jobs or queued.reused):
            raise InputError("None of these clips can be restored.", "See the reasons above.")
        failed = JobFailedError.exit_code if any(each.state == "failed" for each in queued.reused) else 0
        if not args.wait or not queued.jobs:
            _print_next_step(queued, context)
            return failed
        return report_finished(_wait(client, queued, context), context) or failed


def selection_of(args: Namespace) -> SelectionRule:
    """The clips that the arguments select."""
    for by in BY:
        value = getattr(args, by, None)
        if value is True:
            return SelectionRule(by)
        if value is not None and value is not False:
            return SelectionRule(by, str(value))
    raise InputError("No clips are selected.", "See answerprint resolve restore --help.")


def reporter(context: Context) -> Said:
    """Return callbacks that report each clip as it is queued or refused."""
    console = context.console

    def queued(planned: Planned, job: JobRecord) -> None:
        before, after = planned.handles
        place = planned.place
        event = {
            "event": "submitted", "job": job.id, "number": job.number, "clip": place.name, "item": place.item,
            "input": planned.clip.media, "output": planned.output, "range": [place.first, place.stop],
            "handles": [before, after], "put": place.mode, "notes": list(planned.notes),
        }  # fmt: skip
        if console.tell(event):
            return
        console.out(job_line(planned, job))
        for note in planned.notes:
            console.err(f"  {note}")

    def refused(each: Refused) -> None:
        refusal = each.refusal
        event = {
            "event": "refused", "clip": each.name, "item": each.item, "track": each.track,
            "record": each.record, "code": refusal.code, "message": refusal.reason, "remedy": refusal.remedy,
        }  # fmt: skip
        if not console.tell(event):
            console.err(f"{each.name}: {refusal.reason}")
            if refusal.remedy:
                console.err(f"  {refusal.remedy}")

    def busy(text: str) -> None:
        if console.json:
            console.event({"event": "render", "message": text})
        else:
            console.err(text)

    return Said(queued, refused, lambda planned, outcome: report_outcome(outcome, context), busy)


def job_line(planned: Planned, job: JobRecord) -> str:
    """A planned clip and its job in one line."""
    place, (before, after) = planned.place, planned.handles
    label = mode_named(place.mode).label
    handles = f" with {before} before and {after} after" if before or after else ""
    return (
        f"job {job.number}: {place.name}, frames {place.first} to {place.stop - 1}{handles},"
        f" {label[:1].lower()}{label[1:]} -> {planned.output}"
    )


def _confirm(mode: PutBackMode, args: Namespace, context: Context) -> None:
    """Ask before a mode that changes more than the item. Raises InputError, CancelledError."""
    if args.yes:
        return
    text = f"--put {mode.name} {mode.changes}."
    if context.console.json or not sys.stdin.isatty():
        raise InputError(text, "Add --yes to confirm, or choose another --put.")
    context.console.err(text)
    context.console.err("Continue? [y/N]")
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise CancelledError("Nothing was queued.")


def _wait(client: Client, queued: Queued, context: Context) -> Finished:
    jobs = frozenset(job.id for _, job in queued.jobs)
    if not context.console.json:
        context.console.err(f"Waiting for {counted(len(jobs), 'job')}; you can press Ctrl-C, the jobs run on.")
    return follow_with_output(client, jobs, context)


def _report_summary(queued: Queued, context: Context) -> None:
    left_out = queued.plan.left_out
    if context.console.json:
        counts = {"submitted": len(queued.jobs), "refused": len(queued.refused), "left_out": left_out}
        context.console.event({"event": "queued", **counts})
        return
    parts = [f"{counted(len(queued.jobs), 'clip')} queued"]
    if queued.refused:
        parts.append(f"{len(queued.refused)} refused")
    parts += [f"{count} skipped ({what})" for what, count in left_out.items()]
    context.console.err(", ".join(parts) + ".")


def _print_next_step(queued: Queued, context: Context) -> None:
    if context.console.json:
        counts = {"submitted": len(queued.jobs), "refused": len(queued.refused)}
        context.console.event({"event": "done", **counts})
    elif queued.jobs:
        context.console.err("To watch them: answerprint jobs watch. To put them back: answerprint resolve finish")
