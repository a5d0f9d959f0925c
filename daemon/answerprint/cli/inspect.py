"""`answerprint inspect`."""

from __future__ import annotations

import textwrap
from argparse import ArgumentParser, Namespace

from answerprint.api.types import MediaInfo
from answerprint.cli.connect import open_daemon
from answerprint.cli.context import Context
from answerprint.cli.plan import plan_words
from answerprint.cli.settings import absolute
from answerprint.errors import AnswerprintError, InputError
from answerprint.ipc.messages import Message

__all__ = ["add_arguments", "run"]

_EPILOG = """\
Shows what a file, an image sequence or its folder is: how it is stored, size, rate, timecode, colour tags and
what is assumed where they are missing, its sound. Then warnings, and what a restore with the default settings makes
of it. Nothing is written. Options that a warning names are those of answerprint restore. A file that cannot be read is
reported, and the others are shown.

examples:
  answerprint inspect rushes.mov
  answerprint inspect plate.%04d.exr
  answerprint inspect *.mov --json
"""

_WIDTH = 96


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments."""
    parser.epilog = _EPILOG
    parser.add_argument(
        "media", metavar="FILE", nargs="+", help="video file, image sequence (plate.%%04d.png) or its folder"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object per file")


def run(args: Namespace, context: Context) -> int:
    """Describe the media and return the exit code."""
    console, code = context.console, 0
    with open_daemon(context) as client:
        for number, media in enumerate(args.media):
            try:
                info = client.describe(absolute(media), details=True)
            except AnswerprintError as error:
                if len(args.media) == 1 or error.exit_code != InputError.exit_code:
                    raise
                console.fail(error.message, error.remedy, code=error.code, exit_code=error.exit_code)
                code = error.exit_code
                continue
            if console.json:
                console.event(_as_json(info))
                continue
            if number:
                console.out()
            for line in _lines(absolute(media), info):
                console.out(line)
    return code


def _lines(path: str, info: MediaInfo) -> list[str]:
    facts = {**info.facts, "warning": info.warnings}
    if info.plan is not None:
        facts["restore"] = plan_words(info.plan)
    column = max(map(len, facts)) + 2
    lines = [path]
    for name, said in facts.items():
        for text in (said,) if isinstance(said, str) else said:
            lines += textwrap.wrap(
                text,
                _WIDTH,
                initial_indent=f"  {name:<{column}}",
                subsequent_indent=" " * (column + 2),
                break_on_hyphens=False,
            )
    return lines


def _as_json(info: MediaInfo) -> Message:
    plan = None if info.plan is None else {key: value for key, value in info.plan.items() if key != "event"}
    return {
        "event": "media",
        "path": info.path,
        "sequence": info.sequence,
        "width": info.width,
        "height": info.height,
        "rate": str(info.rate),
        "rate_is_assumed": info.rate_is_assumed,
        "frames": info.frames,
        "pixel_aspect": str(info.pixel_aspect),
        "start_timecode": info.start_timecode,
        "start_number": info.start_number,
        "interlaced": info.interlaced,
        "audio": info.audio,
        "alpha": info.alpha,
        "codec": info.codec,
        "bit_depth": info.bit_depth,
        "restored": info.restored,
        "facts": dict(info.facts),
        "warnings": list(info.warnings),
        "restore": plan,
    }
