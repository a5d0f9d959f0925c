"""`answerprint flow-cache`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from answerprint.cli.context import Context
from answerprint.cli.run_program import forward

__all__ = ["add_arguments", "run"]


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments."""
    parser.epilog = (
        "Motion between frames is measured once and cached. Restoring the clip again, with any model, reuses it.\n"
        "The cache stays below its size limit. You can clear it at any time.\n\n"
        "examples:\n  answerprint flow-cache info\n  answerprint flow-cache clear\n"
    )
    parser.add_argument("action", choices=["info", "clear"], help="show size and entries, or delete all entries")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: Namespace, context: Context) -> int:
    """Run the action and return the exit code."""
    return forward("flow-cache", [args.action, *(["--json"] if args.json else [])], context)
