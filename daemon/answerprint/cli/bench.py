"""`answerprint bench`."""

from __future__ import annotations

from argparse import REMAINDER, ArgumentParser, Namespace

from answerprint.cli.context import Context
from answerprint.cli.run_program import forward

__all__ = ["add_arguments", "run"]

_EPILOG = """\
  answerprint bench stages            time per frame by stage, for a model and a size
  answerprint bench consistency       time with consistency compared with frames restored one by one
  answerprint bench memory            memory of a long clip compared with a short one
  answerprint bench matching          time and memory of token matching at growing image sizes
  answerprint bench stages --help     all options, and what the stages are
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments."""
    parser.epilog = _EPILOG
    parser.add_argument("what", choices=["stages", "consistency", "memory", "matching"], help="what to measure")
    parser.add_argument("rest", nargs=REMAINDER, metavar="...", help="options")


def run(args: Namespace, context: Context) -> int:
    """Measure and return the exit code."""
    return forward("bench", [args.what, *args.rest], context)
