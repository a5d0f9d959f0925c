"""`answerprint compare`."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace

from answerprint.cli.context import Context
from answerprint.cli.run_program import forward
from answerprint.cli.settings import absolute

__all__ = ["add_arguments", "run"]

_EPILOG = """\
Proves a round trip: compares a copy, such as a restored clip, with its source. Frames and their order, size, rate,
timecode, pixel aspect, fields, alpha, colour tags, the samples of every sound track, and the PSNR of every frame.

A copy of a part is matched by its timecode, or by --range. Without --range, frames of SOURCE that COPY lacks are a
difference. A copy that is 2, 3 or more times larger is compared at the size of the source. Interlaced files are
deinterlaced first, as restore does it. Sound is compared by its values: 16 bits are the same in 24.

exit codes: 0 equal, 1 different, 2 bad arguments or input

examples:
  answerprint compare rushes.mov copy.mkv
  answerprint compare rushes.mov restored.mov --psnr 40 --ignore size --sheet worst.png
"""

_IGNORED = (
    "frames", "size", "rate", "timecode", "pixel", "fields", "alpha", "primaries", "transfer", "matrix", "levels",
    "sound",
)  # fmt: skip


_OLD_LEVELS = "range"
"""Another name of levels, as FFmpeg has it."""


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments."""
    parser.epilog = _EPILOG
    parser.add_argument("first", metavar="SOURCE", help="video file, image sequence or its folder")
    parser.add_argument("second", metavar="COPY", help="the same, of which some or all frames are in SOURCE")
    parser.add_argument("--range", metavar="A:B", help="frames of SOURCE that COPY has, or two timecodes")
    parser.add_argument(
        "--psnr", type=float, metavar="DB", help="least PSNR that counts as equal (default: every value is equal)"
    )
    parser.add_argument(
        "--ignore",
        action="append",
        default=[],
        choices=(*_IGNORED, _OLD_LEVELS),
        metavar="NAME",
        help=f"do not mind this property; may be repeated: {', '.join(_IGNORED)}",
    )
    parser.add_argument("--sheet", metavar="FILE", help="write the worst frames and their difference as a PNG picture")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: Namespace, context: Context) -> int:
    """Compare and return the exit code: 1 if the files differ."""
    asked = {
        "first": absolute(args.first),
        "second": absolute(args.second),
        "range": args.range,
        "psnr": args.psnr,
        "ignore": ["levels" if each == _OLD_LEVELS else each for each in args.ignore],
        "sheet": None if args.sheet is None else absolute(args.sheet),
        "json": args.json,
    }
    return forward("compare", [json.dumps(asked)], context)
