"""`answerprint restore`."""

from __future__ import annotations

import uuid
from argparse import ArgumentParser, Namespace

from answerprint.api.types import NewJob
from answerprint.cli.connect import open_daemon
from answerprint.cli.context import Context
from answerprint.cli.folders import folders_for
from answerprint.cli.jobs.follow import do_job
from answerprint.cli.settings import add_output, add_settings, add_source, make_request
from answerprint.cli.times import duration
from answerprint.ipc.messages import Message
from answerprint.scheduler.preflight import check_restore
from answerprint.text import counted, listed

__all__ = ["add_arguments", "report_end", "run"]

_EPILOG = """\
examples:
  answerprint restore rushes.mov restored.mov
  answerprint restore rushes.mov restored.mp4 --scale 2 --range 01:00:10:00:01:00:12:00
  answerprint restore plate.%04d.png out.%04d.png --range 10:34 --seed 7
  answerprint restore scan/ out.%04d.exr --rate 23.976 --timecode 01:00:00:00
  answerprint restore rushes.mov baseline.mov --no-consistency
  answerprint restore rushes.mov restored.mov --detach

The output keeps the source's range, timecode, frame rate, pixel aspect, colour tags and audio. The source is never
changed. OUTPUT appears only when it is complete. A missing folder for it is created.

The daemon does the work. It starts on demand and keeps its models loaded. Finished frames are kept: after a crash or a
power cut the job resumes where it stopped. Ctrl-C cancels the job and deletes its files; with --detach the job runs on
without this terminal (see answerprint jobs).
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments."""
    parser.epilog = _EPILOG
    parser.add_argument(
        "input",
        metavar="INPUT",
        help="video file, image sequence (plate.%%04d.png, plate.[0001-0100].png) or its folder",
    )
    parser.add_argument(
        "output",
        metavar="OUTPUT",
        help="video file (.mov, .mxf, .mkv, .mp4) or image sequence (out.%%04d.png, .tif, .exr, .dpx)",
    )
    add_source(parser)
    add_settings(parser)
    add_output(parser)
    parser.add_argument("--detach", action="store_true", help="add the job to the queue, print its number and exit")
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object per line; the last one is done or error"
    )


def run(args: Namespace, context: Context) -> int:
    """Restore and return the exit code."""
    request = make_request(
        args,
        args.input,
        args.output,
        range=args.range,
        codec=args.codec,
        overwrite=args.overwrite,
        sidecar=args.sidecar,
        framemd5=args.framemd5,
    )
    check_restore(request, create_folder=True)
    new = NewJob(str(uuid.uuid4()), "restore", request.to_json())
    with folders_for([request.output], context), open_daemon(context) as client:
        if not args.detach:
            return report_end(do_job(client, new, context), context)
        job, _ = client.submit(new)
    if context.console.json:
        facts = {"job": job.id, "number": job.number, "input": job.input, "output": job.output}
        context.console.event({"event": "submitted", **facts})
    else:
        context.console.out(f"job {job.number}, {job.id}")
        context.console.err(f"To watch it: answerprint jobs watch {job.number}")
    return 0


def report_end(final: Message, context: Context) -> int:
    """Print a summary or the reason of the failure, and return the exit code."""
    console = context.console
    if final["event"] == "error":
        if not console.json:  # in JSON, the event was already printed
            console.fail(final["message"], final["remedy"], code=final["code"], exit_code=final["exit_code"])
        return int(final["exit_code"])
    if not console.json:
        frames, seconds = final["frames"], final["seconds"]
        speed = f", {seconds / frames:.2f} s/frame" if frames else ""
        console.out(final["output"])
        console.out(f"{counted(frames, 'frame')} in {duration(seconds)}{speed}")
        if damaged := [frame for first, stop in final.get("damaged") or () for frame in range(first, stop)]:
            console.out(f"{counted(len(damaged), 'frame')} damaged in the source: {listed(damaged)}")
    return 0
