"""`answerprint resolve settings`.

The arguments that say how clips are restored and brought back.
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace
from dataclasses import replace

from answerprint.cli.connect import open_daemon
from answerprint.cli.context import Context
from answerprint.cli.resolve.finish import open_resolve
from answerprint.cli.settings import absolute, settings_of
from answerprint.cli.times import parse_when
from answerprint.errors import CancelledError
from answerprint.resolve.put_back.placement import MODES
from answerprint.resolve.restore.settings import RestoreSettings, recall_settings
from answerprint.resolve.restore.submit import keep_settings, settings_folder
from answerprint.resolve.settings_form.ask import ask_settings, summary
from answerprint.resolve.settings_form.show import choose_dialogs

__all__ = ["add_restore_arguments", "restore_settings_of", "run"]


def run(args: Namespace, context: Context) -> int:
    """Ask, and keep the answers for the project; returns the exit code."""
    with open_resolve() as resolve:
        project = resolve.project()
        id, name = project.id(), project.name()
    ways = choose_dialogs(os.environ, terminal=(sys.stdin, sys.stderr))
    with open_daemon(context) as client:
        wishes = ask_settings(*client.models(), recall_settings(settings_folder(), id), ways, context.console.err, name)
    if wishes is None:
        raise CancelledError("The settings are as before.")
    keep_settings(id, wishes)
    if context.console.json:
        context.console.event({"event": "settings", "project": name, "put": wishes.put, "handles": wishes.handles})
    else:
        context.console.out(f"{name}: {summary(wishes)}")
    return 0


def add_restore_arguments(parser: ArgumentParser) -> None:
    """Add what `wishes_of` reads."""
    put = parser.add_argument_group("the way back")
    put.add_argument("--put", choices=MODES, help="where to put it back (default: as the last time, at first pool)")
    put.add_argument(
        "--handles", type=int, metavar="N", help="frames before and after, where there are some (default: 24)"
    )
    put.add_argument("--folder", metavar="DIR", help="where restored files go (default: Restored, beside the source)")
    put.add_argument("--codec", metavar="NAME", help="codec of the restored files (default: prores4444)")
    put.add_argument("--disable", action="store_true", help="with --put track: hide the original below")
    put.add_argument("--again", action="store_true", help="restore anew what was restored before")
    put.add_argument(
        "--through", action="store_true", help="let Resolve render what cannot be read here (BRAW, R3D, ...)"
    )
    put.add_argument("--graded", action="store_true", help="restore the graded picture: Resolve renders it first")
    turn = parser.add_argument_group("their turn")
    turn.add_argument("--priority", type=int, default=0, metavar="N", help="larger goes first; -100..100 (default: 0)")
    turn.add_argument("--not-before", metavar="WHEN", help="such as 20:00, 2030-01-31T06:30 or +2h, in local time")


def restore_settings_of(args: Namespace, last: RestoreSettings) -> RestoreSettings:
    """What the command line says, and for the rest what was chosen the last time."""
    given = {
        "put": args.put,
        "handles": args.handles,
        "folder": None if args.folder is None else absolute(args.folder),
        "codec": args.codec,
    }
    return replace(
        last,
        **{name: value for name, value in given.items() if value is not None},
        disable=args.disable,
        settings=settings_of(args),
        priority=args.priority,
        not_before=None if args.not_before is None else parse_when(args.not_before),
    )
