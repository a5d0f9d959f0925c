"""`answerprint flow-cache`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from answerprint.cli.context import Context
from answerprint.cli.run_program import forward

__all__ = ["add_arguments", "run"]


def add_arguments(parser: ArgumentParser) -> None:
    """Describe the arguments."""
    parser.epilog = (
        "Motion between frames is measured once and kept: restoring a clip again, with any model, takes it from here.\n"
        "The cache keeps itself below its size; it may be cleared at any time.\n\n"
        "examples:\n  answerprint flow-cache info\n  answerprint flow-cache clear\n"
    )
    parser.add_argument("action", choices=["info", "clear"], help="show what it holds, or remove all of it")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: Namespace, context: Context) -> int:
    """Do what was asked; returns the exit code."""
    return forward("flow-cache", [args.action, *(["--json"] if args.json else [])], context)
