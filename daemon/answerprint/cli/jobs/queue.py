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
from answerprint.cli.folders import folders_for
from answerprint.cli.jobs.command import print_list
from answerprint.cli.jobs.view import unfinished, view_of
from answerprint.cli.settings import absolute, add_output, add_settings, add_source, settings_of
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
All jobs are checked before any is queued. If there are mistakes, all of them are listed and nothing is queued. If only
the daemon finds a mistake, such as a damaged source, it is listed, and the other jobs are queued. A job that fails
later does not stop the others.

examples:
  answerprint queue add reel1.mov reel2.mov --output-folder restored
  answerprint queue add plate.%04d.png --suffix _4x --ext .mkv --priority 10
  answerprint queue add *.mov --not-before 20:00

Files that Answerprint made are skipped, with a notice.

A job file, for --from, is YAML or JSON. Its paths are relative to the file. Settings have the long option names of
answerprint restore, with _ for -, plus input, output, label, priority and not_before; audio: false stands for
--no-audio, consistency: false for --no-consistency. The command line sets the defaults:

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
    """Add the arguments."""
    parser.epilog = _EPILOG
    actions = Actions(parser)
    add = actions.add("add", "add many files, or the jobs in a job file, to the queue", _ADD_HELP)
    add.add_argument("files", metavar="FILE", nargs="*", help="video file, image sequence or the folder of one")
    add.add_argument(
        "--from", dest="job_file", metavar="JOBS.yaml", help="read jobs from this file; - is standard input"
    )
    names = add.add_argument_group("Output names")
    names.add_argument("--output-folder", metavar="DIR", help="folder for the outputs (default: beside each source)")
    names.add_argument("--suffix", default="_restored", help="added to the name of the source (default: %(default)s)")
    names.add_argument(
        "--ext",
        default=".mov",
        help="extension: .mov, .mkv, .mp4 or .%%04d.png, .tif, .exr, .dpx (default: %(default)s)",
    )
    scheduling = add.add_argument_group("Scheduling")
    scheduling.add_argument(
        "--priority", type=int, default=0, metavar="N", help="higher runs first; -100..100 (default: 0)"
    )
    scheduling.add_argument(
        "--not-before", metavar="WHEN", help="earliest start: 20:00, 2030-01-31T06:30 or +2h, in local time"
    )
    scheduling.add_argument("--label", default="", metavar="TEXT", help="name of the jobs (default: the file's name)")
    add_source(add)
    add_settings(add)
    add_output(add)
    actions.add("show", "list waiting and running jobs in the order of the queue")
    suspend = actions.add("suspend", "start no more work until queue resume", _SUSPEND_HELP)
    suspend.add_argument("--reason", default="", metavar="TEXT", help="shown by queue show and daemon status")
    suspend.add_argument("--unload", action="store_true", help="also unload all models")
    actions.add("resume", "resume a suspended queue")


_SUSPEND_HELP = """\
Running jobs stop after their current chunk. With --unload, the device memory is free for other programs.
"""


def run(args: Namespace, context: Context) -> int:
    """Run the action and return the exit code."""
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
        context.console.out(_suspended(info.suspend_reason) if info.suspended else "The queue is running.")
    return 0


def _add(args: Namespace, context: Context) -> int:
    jobs = _requested_jobs(args, context)
    queued = code = 0
    outputs = [str(job.request["output"]) for job in jobs]
    with folders_for(outputs, context) as remove_folders, open_daemon(context) as client:
        try:
            for new, answer in zip(jobs, client.submit_all(jobs), strict=True):
                if isinstance(answer, NoDaemonError):
                    raise answer
                if isinstance(answer, AnswerprintError):
                    code = code or answer.exit_code
                    _report_mistake(Mistake(str(new.request["input"]), answer.message, answer.remedy), context)
                    continue
                queued += 1
                _report_queued(answer[0], context)
            if not queued:
                remove_folders()
        finally:
            if queued < len(jobs) and not context.console.json:
                context.console.err(f"{queued} of {counted(len(jobs), 'job')} {'is' if queued == 1 else 'are'} queued.")
    return code


def _report_queued(job: JobRecord, context: Context) -> None:
    if context.console.json:
        facts = {"job": job.id, "number": job.number, "input": job.input, "output": job.output}
        context.console.event({"event": "submitted", **facts})
    else:
        context.console.out(f"job {job.number}: {job.input} -> {job.output}")


def _requested_jobs(args: Namespace, context: Context) -> Sequence[NewJob]:
    """Return the requested jobs, all of them valid. Raises InputError if one is not."""
    if bool(args.files) == bool(args.job_file):
        raise InputError("Give either files or a job file.", "Give FILE... or --from JOBS.yaml.")
    given = {
        "range": args.range,
        "codec": args.codec,
        "overwrite": args.overwrite or None,
        "sidecar": args.sidecar or None,
        "framemd5": args.framemd5 or None,
        "not_before": None if args.not_before is None else parse_when(args.not_before),
    }
    base: dict[str, Any] = {
        **settings_of(args),
        **{name: value for name, value in given.items() if value is not None},
        "priority": args.priority,
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
                f"Nothing queued: Answerprint made {'this file' if len(args.files) == 1 else 'all of these files'}.",
                "To restore an output again: answerprint restore INPUT OUTPUT",
            )
    jobs = finish(drafts, mistakes)
    if mistakes.found:
        _report_mistakes(mistakes, context)
        number = len(mistakes.found)
        raise InputError(f"{counted(number, 'mistake')}, so nothing was queued.", "Correct the mistakes above.")
    if not jobs:
        raise InputError(f"{args.job_file} contains no jobs.", "Add at least one.")
    return jobs


def _drafts(args: Namespace, base: dict[str, Any], mistakes: Mistakes, context: Context) -> list[Draft]:
    """The jobs of FILE...; invalid paths become mistakes, and files made by Answerprint are skipped with a notice."""
    folder = None if args.output_folder is None else Path(absolute(args.output_folder))
    drafts = []
    for file in args.files:
        try:
            source = absolute(file)
        except InputError as error:
            mistakes.add(file, error)
            continue
        if is_made_here(Path(source)):
            _report_skipped(file, context)
            continue
        output = output_for(Path(source), folder=folder, suffix=args.suffix, extension=args.ext)
        drafts.append(Draft.of(file, {**base, "input": source, "output": str(output)}))
    return drafts


def _report_skipped(place: str, context: Context) -> None:
    message = "Skipped, because Answerprint made it."
    if context.console.json:
        context.console.event({"event": "skipped", "place": place, "message": message})
    else:
        context.console.err(f"{place}: {message}")


def _report_mistakes(mistakes: Mistakes, context: Context) -> None:
    for mistake in sorted(mistakes.found, key=lambda each: each.line):
        _report_mistake(mistake, context)


def _report_mistake(mistake: Mistake, context: Context) -> None:
    if context.console.json:
        facts = {"place": mistake.place, "message": mistake.message, "remedy": mistake.remedy}
        context.console.event({"event": "mistake", **facts})
    else:
        context.console.err(str(mistake))


def _suspended(reason: str) -> str:
    return f"The queue is suspended{f' ({reason})' if reason else ''}. To resume it: answerprint queue resume"
