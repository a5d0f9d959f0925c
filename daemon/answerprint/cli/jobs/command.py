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
A job is named by its number, by its id, or by the first 4 characters of its id or more.

examples:
  answerprint jobs list
  answerprint jobs show 12
  answerprint jobs watch
  answerprint jobs pause 12 13
  answerprint jobs move 12 --first
  answerprint jobs ACTION --help

states: queued, running, paused, muxing (the output is being written), done, failed, cancelled
"""

_STEERING = {
    "pause": ("stop jobs after the chunk that is done, until they are resumed", "Frames that are done stay done."),
    "resume": ("let paused jobs go on", "A job that waits for room on a disk goes on by itself when there is some."),
    "cancel": ("end jobs now", "What a job has on disk beside a finished output is removed; it stays in the list."),
    "retry": ("queue failed or cancelled jobs again", "Chunks that a failed job has on disk are used again."),
    "delete": ("forget jobs that have ended", "Finished outputs stay. Jobs that have not ended are refused."),
}


def add_arguments(parser: ArgumentParser) -> None:
    """Describe the arguments."""
    parser.epilog = _EPILOG
    actions = Actions(parser)
    shown = actions.add("list", "all jobs that wait or work, and the last that ended", _LIST_HELP)
    shown.add_argument("--all", action="store_true", help="also all that ended before")
    shown.add_argument(
        "--state", action="append", choices=[state.value for state in JobState], help="only these; may be repeated"
    )
    show = actions.add("show", "everything that is known of jobs")
    show.add_argument("ids", metavar="ID", nargs="+")
    watched = actions.add("watch", "see jobs at work, until they have ended", _WATCH_HELP)
    watched.add_argument("ids", metavar="ID", nargs="*", help="default: all that wait or work")
    for name, (summary, more) in _STEERING.items():
        actions.add(name, summary, more).add_argument("ids", metavar="ID", nargs="+")
    moved = actions.add("move", "change when waiting jobs get their turn", _MOVE_HELP)
    moved.add_argument("ids", metavar="ID", nargs="+")
    moved.add_argument("--priority", type=int, metavar="N", help="larger goes first; -100..100, 0 at first")
    place = moved.add_mutually_exclusive_group()
    place.add_argument("--first", action="store_true", help="before all others of its priority")
    place.add_argument("--last", action="store_true", help="behind all others of its priority")
    moved.add_argument("--not-before", metavar="WHEN", help="such as 20:00, 2030-01-31T06:30, +2h or now")


_LIST_HELP = "--json prints one array of objects; times are seconds since 1970."
_WATCH_HELP = """\
One job is shown as by answerprint restore, and ends with its exit code. Several share a table; the exit code is 0 when
all are done. Leaving with Ctrl-C changes nothing for the jobs. With --json a job is told as its events, several as an
object whenever one has changed.
"""
_MOVE_HELP = """\
examples:
  answerprint jobs move 12 --first
  answerprint jobs move 12 13 --priority 10
  answerprint jobs move 12 --not-before 20:00
"""


def run(args: Namespace, context: Context) -> int:
    """Do what was asked; returns the exit code."""
    if args.action in ("list", "show"):
        look = {"list": _list, "show": _show}[args.action]
        with reach_jobs(context) as jobs:
            return look(args, context, jobs)
    act = {"watch": _watch, "delete": _delete, "move": _move}.get(args.action, _steer)
    with reach_or_wake_daemon(context) as client:
        return act(args, context, client)


def print_list(looks: list[JobView], context: Context) -> None:
    """Print jobs as a table, or as one array."""
    if context.console.json:
        context.console.array([as_json(look) for look in looks])
        return
    if not looks:
        context.console.out("No jobs.")
        return
    for line in listing(looks):
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
        context.console.err(f"{older} more ended before: answerprint jobs list --all")
    return 0


def _show(args: Namespace, context: Context, client: JobSource) -> int:
    def show(reference: str) -> None:
        (look,) = view_of(client, [client.get(reference)])
        events = history(client, look.job)
        if context.console.json:
            chunks = sum(event["event"] == "chunk" for event in events)
            context.console.event({"event": "job", **as_json(look), "chunks_done": chunks, "history": events})
            return
        lines = details(look, events)
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


def _steer(args: Namespace, context: Context, client: Client) -> int:
    act: Callable[[str], JobRecord] = getattr(client, args.action)

    def steer(reference: str) -> None:
        job = act(reference)
        _say(context, job, f"is {job.state.value}")

    return _each(args.ids, steer, context)


def _delete(args: Namespace, context: Context, client: Client) -> int:
    def delete(reference: str) -> None:
        job = client.get(reference)
        freed = client.delete(job.id)
        _say(context, job, "is deleted" + (f"; {size_words(freed)} freed" if freed else ""), freed_bytes=freed)

    return _each(args.ids, delete, context)


def _move(args: Namespace, context: Context, client: Client) -> int:
    if args.priority is None and args.not_before is None and not (args.first or args.last):
        raise InputError("Nothing says where to.", "Give --first, --last, --priority N or --not-before WHEN.")
    not_before = None if args.not_before is None else parse_when(args.not_before)

    place: QueuePlace | None = "first" if args.first else "last" if args.last else None

    def move(reference: str) -> None:
        job = client.move(reference, priority=args.priority, place=place, not_before=not_before)
        when = "" if job.not_before is None else f", not before {clock_words(job.not_before)}"
        _say(context, job, f"has priority {job.priority}{when}")

    return _each(args.ids, move, context)


def _each(references: list[str], act: Callable[[str], None], context: Context) -> int:
    """Do it to every job, whatever becomes of the others; returns the first exit code that is not 0."""
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


def _say(context: Context, job: JobRecord, text: str, **facts: object) -> None:
    if context.console.json:
        event: Message = {"event": "job", **as_json(JobView(job)), **facts}
        context.console.event(event)
    else:
        context.console.out(f"{job_name(job)} {text}")
