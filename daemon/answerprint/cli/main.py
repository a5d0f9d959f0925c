"""The command `answerprint`: its subcommands, and the one place that turns errors into output and exit codes."""

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
        "inspect": ("inspect", "show what a file is, and what a restore makes of it"),
        "compare": ("compare", "prove that a copy has the frames, tags and sound of its source"),
        "preview": ("preview", "restore a few frames and compare them with the source"),
        "queue": ("jobs.queue", "queue many files; suspend and resume the queue"),
        "presets": ("presets", "list, show, save and remove settings under a name"),
        "jobs": ("jobs.command", "list, watch, pause, cancel and retry jobs"),
        "daemon": ("daemon", "start or stop the daemon, or show its status"),
        "resolve": ("resolve.command", "restore clips from a DaVinci Resolve timeline"),
        "ofx": ("ofx.command", "install the OpenFX plugin, which shows restored frames on a node"),
        "models": ("models", "list, download, import and verify models"),
        "flow-cache": ("flow_cache", "show or clear the motion cache"),
        "eval": ("evaluate", "measure quality and consistency on your own clips"),
        "bench": ("bench", "measure speed and memory on this machine"),
        "doctor": ("doctor", "find problems and how to fix them"),
    }
)
"""Each subcommand: its module in this package and its line of help."""

_EPILOG = """\
examples:
  answerprint inspect rushes.mov
  answerprint restore rushes.mov restored.mov
  answerprint preview rushes.mov --frame 240
  answerprint restore plate.%04d.png out.%04d.png --range 10:34 --scale 2
  answerprint queue add *.mov --output-folder restored --not-before 20:00
  answerprint jobs watch
  answerprint resolve restore --selected
  answerprint COMMAND --help

exit codes: 0 done, 1 different, 2 bad arguments or input, 3 no daemon, 4 job failed, 5 cancelled, 130 interrupted
All files of the program are in one folder; set ANSWERPRINT_HOME to move it.
"""


class _Help(argparse.RawDescriptionHelpFormatter):
    """Keeps line breaks, and makes the column of names wide enough."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=32)


def main(argv: Sequence[str] | None = None, *, child_command: Callable[[str], list[str]] = command) -> int:
    """Run a command line and return the exit code. child_command: how to start a child process."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == [BUNDLE_FLAG]:
        return child_main(arguments[1:])
    prepare_streams()
    console = Console(json="--json" in arguments)
    try:
        # SIGTERM raises like any other error, so `finally` blocks run and end the child.
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
    """Run the command line of this process and exit with its code."""
    code = main()
    if "grpc" in sys.modules:
        # gRPC threads may outlive their connection briefly. One that returns while the interpreter shuts down crashes
        # the process: a finished job would be reported as killed by signal 11.
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
        description="Restore film and video without flicker between frames. Nothing leaves this machine.",
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
            # Import only this command, so that `answerprint --help` stays fast.
            module = cast(Command, importlib.import_module(f"answerprint.cli.{file}"))
            module.add_arguments(sub)
    try:
        args = parser.parse_args(arguments or ["--help"])
    except InputError as error:
        for word in arguments:
            if len(word) > 1 and word.startswith("-") and os.path.lexists(word):
                raise InputError(error.message, f"{word} is a file: write ./{word}") from error
        raise
    if module is None or args.command != chosen:
        raise InputError("No command given.", "See answerprint --help.")
    if args.command != "doctor":  # doctor changes nothing: it reports this itself
        for notice in close_home(create=False):
            context.console.err(notice)
    return module.run(args, context)


def _raise_cancelled(signum: int, frame: FrameType | None) -> NoReturn:
    raise CancelledError("The program was asked to stop.")


if __name__ == "__main__":
    program()
