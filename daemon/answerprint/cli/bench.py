"""`answerprint bench`."""

from __future__ import annotations

from argparse import REMAINDER, ArgumentParser, Namespace

from answerprint.cli.context import Context
from answerprint.cli.run_program import forward

__all__ = ["add_arguments", "run"]

_EPILOG = """\
  answerprint bench stages            where the time of a frame goes, for a model and a size
  answerprint bench consistency       time of a consistent restoration over that of frames restored alone
  answerprint bench memory            memory over the length of the clip
  answerprint bench matching          time and memory of token matching over the size of the picture
  answerprint bench stages --help     all options, and what the stages are
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Describe the arguments."""
    parser.epilog = _EPILOG
    parser.add_argument("what", choices=["stages", "consistency", "memory", "matching"], help="what to measure")
    parser.add_argument("rest", nargs=REMAINDER, metavar="...", help="options")


def run(args: Namespace, context: Context) -> int:
    """Measure; returns the exit code."""
    return forward("bench", [args.what, *args.rest], context)
