"""`answerprint preview`."""

from __future__ import annotations

import uuid
from argparse import ArgumentParser, Namespace
from pathlib import Path

from answerprint.api.request import PreviewRequest
from answerprint.api.types import NewJob
from answerprint.cli.connect import open_daemon
from answerprint.cli.context import Context
from answerprint.cli.jobs.follow import do_job
from answerprint.cli.restore import report_end
from answerprint.cli.settings import add_settings, add_source, make_request
from answerprint.scheduler.preflight import check_preview

__all__ = ["add_arguments", "run"]

_EPILOG = """\
Writes one PNG per frame, with the source on the left and the restored frame on the right. Settings are those of
`answerprint restore`, so the preview shows what the job will look like.

A preview jumps the queue: a running job yields after its current chunk and resumes afterwards.

example:
  answerprint preview rushes.mov --frame 240 --count 3 --strength 0.7
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments."""
    parser.epilog = _EPILOG
    parser.add_argument("input", metavar="INPUT", help="video file, image sequence or the folder of one")
    parser.add_argument(
        "--frame",
        type=int,
        required=True,
        metavar="N",
        help="source frame at the centre of the preview, counted from 0",
    )
    parser.add_argument("--count", type=int, default=5, metavar="N", help="frames to restore (default: %(default)s)")
    parser.add_argument(
        "--output", metavar="FOLDER", help="folder for the PNG files (default: NAME-preview in this folder)"
    )
    add_source(parser, without=("handles",))
    add_settings(parser)
    parser.add_argument("--overwrite", action="store_true", help="write into a folder that is not empty")
    parser.add_argument("--json", action="store_true", help="print one JSON object per line")


def run(args: Namespace, context: Context) -> int:
    """Make the images and return the exit code."""
    name = Path(args.input).stem.replace("%", "").strip(". ") or "clip"
    settings = make_request(args, args.input, args.output or f"{name}-preview", overwrite=args.overwrite)
    request = PreviewRequest(settings, args.frame, args.count)
    check_preview(request)
    new = NewJob(str(uuid.uuid4()), "preview", request.to_json(), label=f"preview of {Path(args.input).name}")
    with open_daemon(context) as client:
        return report_end(do_job(client, new, context), context)
