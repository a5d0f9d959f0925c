"""`answerprint queue`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from answerprint.api.job import JobRecord
from answerprint.api.types import NewJob
from answerprint.cli.actions import Actions
from answerprint.cli.batch.draft import Draft, Mistake, Mistakes, finish, is_made_here, output_for
from answerprint.cli.connect import open_daemon, reach_daemon, reach_jobs
from answerprint.cli.context import Context
from answerprint.cli.folders import make_folders
from answerprint.cli.jobs.command import print_list
from answerprint.cli.jobs.view import unfinished, view_of
from answerprint.cli.settings import absolute, add_output, add_settings, settings_of
from answerprint.cli.times import parse_when
from answerprint.errors import AnswerprintError, InputError, NoDaemonError
from answerprint.text import counted

__all__ = ["add_arguments", "run"]

_EPILOG = """\
examples:
  answerprint queue add reel1.mov reel2.mov --output-folder restored
  answerprint queue add *.mov --not-before 20:00 --chunk 20
  answerprint queue add --from jobs.yaml
  answerprint queue show
  answerprint queue suspend --reason "rendering" --unload
  answerprint queue add --help
"""

_ADD_HELP = """\
Every job is looked at before one is queued: when something is wrong with one of them, all that is wrong is said, and
none is queued. A failed job does not keep the next from running.

examples:
  answerprint queue add reel1.mov reel2.mov --output-folder restored
  answerprint queue add plate.%04d.png --suffix _4x --ext .mkv --priority 10
  answerprint queue add *.mov --not-before 20:00

Of FILE... the results of Answerprint are left out, which is said.

A file of jobs, for --from, is YAML (or JSON). Its paths start at its own folder. The settings are those of
answerprint restore by their long names, with input, output, label, priority and not_before; what it does not say is
as on the command line:

  defaults:
    seed: 7
    not_before: 20:00
  jobs:
    - input: reel1.mov
      output: restored/reel1.mov
      range: 0:240
    - input: reel2.mov
      output: restored/reel2.mp4
      size: 1920x1080
      consistency: false
      options: {merge_ratio: 0.5}
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Describe the arguments."""
    parser.epilog = _EPILOG
    actions = Actions(parser)
    add = actions.add("add", "queue many files, or the jobs of a file", _ADD_HELP)
    add.add_argument("files", metavar="FILE", nargs="*", help="video file, image sequence or its folder")
    add.add_argument("--from", dest="job_file", metavar="JOBS.yaml", help="a file of jobs, - for standard input")
    names = add.add_argument_group("names of the outputs of FILE...")
    names.add_argument("--output-folder", metavar="DIR", help="where they go (default: beside their sources)")
    names.add_argument("--suffix", default="_restored", help="what is added to the name (default: %(default)s)")
    names.add_argument(
        "--ext", default=".mov", help=".mov, .mkv, .mp4 or .%%04d.png, .tif, .exr (default: %(default)s)"
    )
    turn = add.add_argument_group("their turn")
    turn.add_argument("--priority", type=int, default=0, metavar="N", help="larger goes first; -100..100 (default: 0)")
    turn.add_argument("--not-before", metavar="WHEN", help="such as 20:00, 2030-01-31T06:30 or +2h, in local time")
    turn.add_argument("--label", default="", metavar="TEXT", help="what the jobs are called (default: the file's name)")
    add_settings(add)
    add_output(add)
    actions.add("show", "the jobs that wait or work, in their order")
    suspend = actions.add("suspend", "let no job begin or go on until queue resume", _SUSPEND_HELP)
    suspend.add_argument("--reason", default="", metavar="TEXT", help="shown to whoever asks why nothing moves")
    suspend.add_argument("--unload", action="store_true", help="also free the memory of warm models")
    actions.add("resume", "go on")


_SUSPEND_HELP = """\
Running jobs stop after the chunk that they work on. With --unload the memory of the device is free for other programs.
"""


def run(args: Namespace, context: Context) -> int:
    """Do what was asked; returns the exit code."""
    if args.action == "add":
        return _add(args, context)
    if args.action == "show":
        with reach_jobs(context) as jobs:
            reason = jobs.suspend_reason()
            if reason is not None and not context.console.json:
                context.console.err(_suspended(reason))
            print_list(view_of(jobs, unfinished(jobs)), context)
        return 0
    with reach_daemon() as client:
        info = client.resume_work() if args.action == "resume" else client.suspend(args.reason, unload=args.unload)
    if context.console.json:
        context.console.event({"event": "queue", "suspended": info.suspended, "reason": info.suspend_reason})
    else:
        context.console.out(_suspended(info.suspend_reason) if info.suspended else "The queue goes on.")
    return 0


def _add(args: Namespace, context: Context) -> int:
    jobs = _asked_for(args, context)
    make_folders([str(job.request["output"]) for job in jobs], context)
    queued = code = 0
    with open_daemon(context) as client:
        try:
            for new, answer in zip(jobs, client.submit_all(jobs), strict=True):
                if isinstance(answer, NoDaemonError):
                    raise answer
                if isinstance(answer, AnswerprintError):
                    code = code or answer.exit_code
                    _say_mistake(Mistake(str(new.request["input"]), answer.message, answer.remedy), context)
                    continue
                queued += 1
                _say_queued(answer[0], context)
        finally:
            if queued < len(jobs) and not context.console.json:
                context.console.err(f"{queued} of {counted(len(jobs), 'job')} {'is' if queued == 1 else 'are'} queued.")
    return code


def _say_queued(job: JobRecord, context: Context) -> None:
    if context.console.json:
        facts = {"job": job.id, "number": job.number, "input": job.input, "output": job.output}
        context.console.event({"event": "submitted", **facts})
    else:
        context.console.out(f"job {job.number}: {job.input} -> {job.output}")


def _asked_for(args: Namespace, context: Context) -> Sequence[NewJob]:
    """Return the jobs, all of them possible. Raises InputError when one is not."""
    if bool(args.files) == bool(args.job_file):
        raise InputError("Nothing says what to queue, or two things do.", "Give FILE... or --from JOBS.yaml.")
    base: dict[str, Any] = {
        **settings_of(args),
        "range": args.range,
        "codec": args.codec,
        "overwrite": args.overwrite,
        "priority": args.priority,
        "not_before": None if args.not_before is None else parse_when(args.not_before),
        "label": args.label,
    }
    mistakes = Mistakes()
    if args.job_file:
        from answerprint.cli.batch.job_file import read_job_file

        drafts = read_job_file(args.job_file, base, mistakes)
    else:
        drafts = _drafts(args, base, mistakes, context)
        if not drafts and not mistakes.found:
            raise InputError(
                f"Nothing was queued: {'it was' if len(args.files) == 1 else 'all were'} made by Answerprint.",
                "To restore a result once more: answerprint restore INPUT OUTPUT",
            )
    jobs = finish(drafts, mistakes)
    if mistakes.found:
        _say_mistakes(mistakes, context)
        number = len(mistakes.found)
        raise InputError(f"{counted(number, 'mistake')}, so nothing was queued.", "Correct what is said above.")
    if not jobs:
        raise InputError(f"{args.job_file} holds no job.", "Add some.")
    return jobs


def _drafts(args: Namespace, base: dict[str, Any], mistakes: Mistakes, context: Context) -> list[Draft]:
    """The jobs of FILE...; what is no path is noted, and what is a result of ours is left out and said."""
    folder = None if args.output_folder is None else Path(absolute(args.output_folder))
    drafts = []
    for file in args.files:
        try:
            source = absolute(file)
        except InputError as error:
            mistakes.add(file, error)
            continue
        if is_made_here(Path(source)):
            _say_skipped(file, context)
            continue
        output = output_for(Path(source), folder=folder, suffix=args.suffix, extension=args.ext)
        drafts.append(Draft.of(file, {**base, "input": source, "output": str(output)}))
    return drafts


def _say_skipped(place: str, context: Context) -> None:
    message = "Answerprint made it, so it is left out."
    if context.console.json:
        context.console.event({"event": "skipped", "place": place, "message": message})
    else:
        context.console.err(f"{place}: {message}")


def _say_mistakes(mistakes: Mistakes, context: Context) -> None:
    for mistake in mistakes.found:
        _say_mistake(mistake, context)


def _say_mistake(mistake: Mistake, context: Context) -> None:
    if context.console.json:
        facts = {"place": mistake.place, "message": mistake.message, "remedy": mistake.remedy}
        context.console.event({"event": "mistake", **facts})
    else:
        context.console.err(str(mistake))


def _suspended(reason: str) -> str:
    return f"The queue is suspended{f' ({reason})' if reason else ''}. To go on: answerprint queue resume"
