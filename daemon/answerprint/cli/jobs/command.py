"""`answerprint jobs`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from typing import TYPE_CHECKING

from answerprint.api.job import JobRecord, JobState
from answerprint.api.types import QueuePlace
from answerprint.cli.actions import Actions
from answerprint.cli.connect import reach_jobs, reach_or_wake_daemon
from answerprint.cli.context import Context
from answerprint.cli.jobs.details import as_json, details
from answerprint.cli.jobs.follow import watch
from answerprint.cli.jobs.overview import overview
from answerprint.cli.jobs.view import JobSource, JobView, history, unfinished, view_of, with_recent
from answerprint.cli.jobs.words import job_name, listing, size_words
from answerprint.cli.restore import report_end
from answerprint.cli.times import clock_words, parse_when
from answerprint.errors import AnswerprintError, InputError, NoDaemonError
from answerprint.ipc.messages import Message

if TYPE_CHECKING:
    from answerprint.client.client import Client

__all__ = ["add_arguments", "print_list", "run"]

_EPILOG = """\
A job is named by its number, its id, or at least the first 4 characters of its id.

examples:
  answerprint jobs list
  answerprint jobs show 12
  answerprint jobs watch
  answerprint jobs pause 12 13
  answerprint jobs move 12 --first
  answerprint jobs ACTION --help

states: queued, running, paused, muxing (the output is being written), done, failed, cancelled
"""

_CONTROLS = {
    "pause": ("pause jobs after their current chunk", "Finished frames are kept."),
    "resume": ("resume paused jobs", "A job that waits for disk space resumes by itself once there is enough."),
    "cancel": ("cancel jobs", "Deletes their unfinished files. Cancelled jobs stay in the list."),
    "retry": ("queue failed or cancelled jobs again", "A failed job continues after its finished chunks."),
    "delete": (
        "remove ended jobs from the list",
        "Finished outputs stay on disk. Jobs that have not ended are refused.",
    ),
}


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments."""
    parser.epilog = _EPILOG
    actions = Actions(parser)
    shown = actions.add("list", "list waiting and running jobs, and those that ended last", _LIST_HELP)
    shown.add_argument("--all", action="store_true", help="include all jobs that ended earlier")
    shown.add_argument(
        "--state",
        action="append",
        choices=[state.value for state in JobState],
        help="only jobs in this state; repeatable",
    )
    show = actions.add("show", "show all details of jobs")
    show.add_argument("ids", metavar="ID", nargs="+", help=_ID_HELP)
    watched = actions.add("watch", "show the progress of jobs until they end", _WATCH_HELP)
    watched.add_argument("ids", metavar="ID", nargs="*", help=f"{_ID_HELP} (default: all waiting and running jobs)")
    for name, (summary, more) in _CONTROLS.items():
        actions.add(name, summary, more).add_argument("ids", metavar="ID", nargs="+", help=_ID_HELP)
    moved = actions.add("move", "change the priority, order or start time of waiting jobs", _MOVE_HELP)
    moved.add_argument("ids", metavar="ID", nargs="+", help=_ID_HELP)
    moved.add_argument("--priority", type=int, metavar="N", help="higher runs first; -100..100, new jobs have 0")
    place = moved.add_mutually_exclusive_group()
    place.add_argument("--first", action="store_true", help="run before all other jobs of the same priority")
    place.add_argument("--last", action="store_true", help="run after all other jobs of the same priority")
    moved.add_argument("--not-before", metavar="WHEN", help="earliest start: 20:00, 2030-01-31T06:30, +2h or now")


_ID_HELP = "number or id of a job"
_LIST_HELP = "--json prints one array of objects; times are in seconds since 1970."
_WATCH_HELP = """\
One ID shows the same progress as answerprint restore, and the command exits with its exit code. Several share a table;
the exit code is 0 if all are done. Ctrl-C stops watching; the jobs run on. --json prints the events of a single job, or
an object of each job whenever it changes.
"""
_MOVE_HELP = """\
examples:
  answerprint jobs move 12 --first
  answerprint jobs move 12 13 --priority 10
  answerprint jobs move 12 --not-before 20:00
"""


def run(args: Namespace, context: Context) -> int:
    """Run the action and return the exit code."""
    if args.action in ("list", "show"):
        show = {"list": _list, "show": _show}[args.action]
        with reach_jobs(context) as jobs:
            return show(args, context, jobs)
    act = {"watch": _watch, "delete": _delete, "move": _move}.get(args.action, _control)
    with reach_or_wake_daemon(context) as client:
        return act(args, context, client)


def print_list(views: list[JobView], context: Context) -> None:
    """Print jobs as a table, or as one JSON array."""
    if context.console.json:
        context.console.array([as_json(view) for view in views])
        return
    if not views:
        context.console.out("No jobs.")
        return
    for line in listing(views):
        context.console.out(line)


def _list(args: Namespace, context: Context, client: JobSource) -> int:
    older = 0
    if args.state:
        jobs = list(client.all_jobs([JobState(name) for name in dict.fromkeys(args.state)]))
    elif args.all:
        jobs = list(client.all_jobs())
    else:
        jobs, older = with_recent(client)
    print_list(view_of(client, jobs), context)
    if older and not context.console.json:
        context.console.err(f"{older} older jobs are not shown: answerprint jobs list --all")
    return 0


def _show(args: Namespace, context: Context, client: JobSource) -> int:
    def show(reference: str) -> None:
        (view,) = view_of(client, [client.get(reference)])
        events = history(client, view.job)
        if context.console.json:
            chunks = sum(event["event"] == "chunk" for event in events)
            context.console.event({"event": "job", **as_json(view), "chunks_done": chunks, "history": events})
            return
        lines = details(view, events)
        width = max(map(len, lines))
        for name, text in lines.items():
            first, *rest = text.split("\n")
            context.console.out(f"{name:<{width}}  {first}")
            for line in rest:
                context.console.out(f"{'':<{width}}  {line}")
        if reference != args.ids[-1]:
            context.console.out()

    return _each(args.ids, show, context)


def _watch(args: Namespace, context: Context, client: Client) -> int:
    jobs = [client.get(reference) for reference in args.ids] or unfinished(client)
    if not jobs:
        print_list([], context)
        return 0
    if args.ids and len(jobs) == 1:
        return report_end(watch(client, jobs[0], context), context)
    return overview(client, jobs, context)


def _control(args: Namespace, context: Context, client: Client) -> int:
    act: Callable[[str], JobRecord] = getattr(client, args.action)

    def control(reference: str) -> None:
        job = act(reference)
        _report(context, job, f"is {job.state.value}")

    return _each(args.ids, control, context)


def _delete(args: Namespace, context: Context, client: Client) -> int:
    def delete(reference: str) -> None:
        job = client.get(reference)
        freed = client.delete(job.id)
        _report(context, job, "is deleted" + (f"; {size_words(freed)} freed" if freed else ""), freed_bytes=freed)

    return _each(args.ids, delete, context)


def _move(args: Namespace, context: Context, client: Client) -> int:
    if args.priority is None and args.not_before is None and not (args.first or args.last):
        raise InputError("Nothing to change.", "Give --first, --last, --priority N or --not-before WHEN.")
    not_before = None if args.not_before is None else parse_when(args.not_before)

    place: QueuePlace | None = "first" if args.first else "last" if args.last else None

    def move(reference: str) -> None:
        job = client.move(reference, priority=args.priority, place=place, not_before=not_before)
        when = "" if job.not_before is None else f", not before {clock_words(job.not_before)}"
        _report(context, job, f"has priority {job.priority}{when}")

    return _each(args.ids, move, context)


def _each(references: list[str], act: Callable[[str], None], context: Context) -> int:
    """Apply `act` to every job, even if it fails for some; returns the first exit code that is not 0."""
    code = 0
    for reference in dict.fromkeys(references):
        try:
            act(reference)
        except NoDaemonError:
            raise
        except AnswerprintError as error:
            code = code or error.exit_code
            context.console.fail(error.message, error.remedy, code=error.code, exit_code=error.exit_code)
    return code


def _report(context: Context, job: JobRecord, text: str, **facts: object) -> None:
    if context.console.json:
        event: Message = {"event": "job", **as_json(JobView(job)), **facts}
        context.console.event(event)
    else:
        context.console.out(f"{job_name(job)} {text}")
