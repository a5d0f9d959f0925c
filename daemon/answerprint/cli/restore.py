"""`answerprint restore`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from answerprint.frames.codecs import CODECS
from answerprint.frames.messages import Message
from answerprint.jobs.preflight import check_restore

from .context import Context
from .follow import follow
from .progress import duration
from .settings import add_settings, make_request

__all__ = ["add_arguments", "report", "run"]

_EPILOG = """\
examples:
  answerprint restore rushes.mov restored.mov
  answerprint restore rushes.mov restored.mp4 --scale 2 --range 01:00:10:00:01:00:12:00
  answerprint restore plate.%04d.png out.%04d.png --range 10:34 --seed 7
  answerprint restore rushes.mov baseline.mov --no-consistency

The range, timecode, rate, aspect, colour tags and sound of the source are kept; the source is never written to.
OUTPUT appears under its name when it is complete, and not before. Ctrl-C leaves nothing behind.

codecs:
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Describe the arguments."""
    parser.epilog = _EPILOG + "\n".join(f"  {codec.name:<11} {codec.description}" for codec in CODECS.values())
    parser.add_argument(
        "input", metavar="INPUT", help="video file, sequence (plate.%%04d.png, plate.[0001-0100].png) or its folder"
    )
    parser.add_argument("output", metavar="OUTPUT", help="file (.mov, .mkv, .mp4) or sequence (out.%%04d.png)")
    parser.add_argument(
        "--range", metavar="A:B", help="source frames from 0, A inclusive, B exclusive; or two timecodes"
    )
    add_settings(parser)
    out = parser.add_argument_group("the output")
    out.add_argument("--codec", metavar="NAME", help="see below (default: by the name of OUTPUT)")
    out.add_argument("--overwrite", action="store_true", help="replace OUTPUT, once its successor is complete")
    out.add_argument(
        "--json", action="store_true", help="one JSON object a line on standard output; the last is done or error"
    )


def run(args: Namespace, context: Context) -> int:
    """Restore; returns the exit code."""
    request = make_request(args, args.input, args.output, range=args.range, codec=args.codec, overwrite=args.overwrite)
    check_restore(request)
    final = follow({"type": "restore", **request.to_json()}, context)
    return report(final, context)


def report(final: Message, context: Context) -> int:
    """Close with a summary or the reason of the failure; returns the exit code."""
    console = context.console
    if final["event"] == "error":
        if not console.json:  # with it, the event itself was the last line
            console.fail(final["message"], final["remedy"], code=final["code"], exit_code=final["exit_code"])
        return int(final["exit_code"])
    if not console.json:
        frames, seconds = final["frames"], final["seconds"]
        speed = f", {seconds / frames:.2f} s/frame" if frames else ""
        console.out(final["output"])
        console.out(f"{frames} frame{'' if frames == 1 else 's'} in {duration(seconds)}{speed}")
    return 0
