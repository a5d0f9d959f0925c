"""The command `answerprint`: its sub-commands, and the one place where errors become lines and exit codes."""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from types import FrameType, MappingProxyType
from typing import NoReturn, cast

from answerprint import __version__
from answerprint.arguments import PlainParser
from answerprint.child import BUNDLE_FLAG, command
from answerprint.child import main as child_main
from answerprint.cli.console import Console, abandon_output, prepare_streams
from answerprint.cli.context import Command, Context
from answerprint.errors import AnswerprintError, CancelledError, InputError
from answerprint.store.private import close_home

__all__ = ["COMMANDS", "main", "program"]

COMMANDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "restore": ("restore", "restore a video file or an image sequence"),
        "preview": ("preview", "restore a few frames first, beside the source"),
        "queue": ("jobs.queue", "queue many files, over night too; suspend all work"),
        "jobs": ("jobs.command", "see jobs, and steer them: pause, cancel, retry"),
        "daemon": ("daemon", "start, stop and look at the daemon that does the work"),
        "resolve": ("resolve.command", "restore clips of DaVinci Resolve's timeline, and bring them back"),
        "models": ("models", "list the models, check their files, keep them warm"),
        "flow-cache": ("flow_cache", "what the motion cache holds; empty it"),
        "eval": ("evaluate", "measure quality and consistency on clips of yours"),
        "bench": ("bench", "measure speed, memory and matching on this machine"),
        "doctor": ("doctor", "find out what is wrong, and the remedy"),
    }
)
"""Each sub-command: its module in this package, and a line of help."""

_EPILOG = """\
examples:
  answerprint restore rushes.mov restored.mov
  answerprint preview rushes.mov --frame 240
  answerprint restore plate.%04d.png out.%04d.png --range 10:34 --scale 2
  answerprint queue add *.mov --output-folder restored --not-before 20:00
  answerprint jobs watch
  answerprint resolve restore --selected
  answerprint COMMAND --help

exit codes: 0 done, 2 bad arguments or input, 3 no daemon, 4 job failed, 5 cancelled, 130 interrupted
Everything the program keeps lies under one folder, which ANSWERPRINT_HOME moves.
"""


class _Help(argparse.RawDescriptionHelpFormatter):
    """Examples stay as they are written; the column of names is wide enough for ours."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=32)


def main(argv: Sequence[str] | None = None, *, child_command: Callable[[str], list[str]] = command) -> int:
    """Run a command line; returns the exit code. child_command: how children start (tests give another way)."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == [BUNDLE_FLAG]:
        return child_main(arguments[1:])
    prepare_streams()
    console = Console(json="--json" in arguments)
    try:
        # A request to end is an error like any other: it runs `finally` clauses, and so ends the child.
        signal.signal(signal.SIGTERM, _raise_cancelled)
        return _dispatch(arguments, Context(console, child_command))
    except AnswerprintError as error:
        console.fail(error.message, error.remedy, code=error.code, exit_code=error.exit_code)
        return error.exit_code
    except KeyboardInterrupt:
        console.fail("Interrupted.", "", code="interrupted", exit_code=130)
        return 130
    except BrokenPipeError:
        abandon_output()
        return CancelledError.exit_code


def program() -> NoReturn:
    """Be the program: run the command line of this process, and end it with the exit code."""
    code = main()
    if "grpc" in sys.modules:
        # Threads of gRPC may outlive their connection by a moment. One that comes back while the interpreter is taken
        # down crashes the process, and a job that was done would end as "killed by signal 11".
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        except BrokenPipeError:
            code = CancelledError.exit_code
        os._exit(code)
    sys.exit(code)


def _dispatch(arguments: list[str], context: Context) -> int:
    chosen = next((word for word in arguments if word in COMMANDS), None)
    parser = PlainParser(
        prog="answerprint",
        description="Restore film and video, consistently from frame to frame. Nothing leaves this machine.",
        epilog=_EPILOG,
        formatter_class=_Help,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"answerprint {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, title="commands")
    module: Command | None = None
    for name, (file, summary) in COMMANDS.items():
        sub = commands.add_parser(
            name,
            help=summary,
            description=summary[0].upper() + summary[1:] + ".",
            formatter_class=_Help,
            allow_abbrev=False,
        )
        if name == chosen:
            # Only this one: `answerprint --help` stays instant whatever the commands import.
            module = cast(Command, importlib.import_module(f"answerprint.cli.{file}"))
            module.add_arguments(sub)
    args = parser.parse_args(arguments)
    if module is None or args.command != chosen:
        raise InputError("No command was given.", "See answerprint --help.")
    if args.command != "doctor":  # which changes nothing, and says what it finds
        for words in close_home(create=False):
            context.console.err(words)
    return module.run(args, context)


def _raise_cancelled(signum: int, frame: FrameType | None) -> NoReturn:
    raise CancelledError("The program was asked to end.")


if __name__ == "__main__":
    program()
