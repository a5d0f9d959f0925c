"""The arguments for how clips are restored and put back."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import replace

from answerprint.cli.settings import absolute, settings_of
from answerprint.cli.times import parse_when
from answerprint.resolve.put_back.modes import MODES
from answerprint.resolve.restore.settings import RestoreSettings

__all__ = ["add_restore_arguments", "restore_settings_of"]


def add_restore_arguments(parser: ArgumentParser) -> None:
    """Add the arguments that `restore_settings_of` reads."""
    put = parser.add_argument_group("Put back")
    put.add_argument("--put", choices=tuple(MODES), help="how to put clips back (default: as last time; at first pool)")
    put.add_argument(
        "--handles", type=int, metavar="N", help="extra frames before and after, if the source has them (default: 24)"
    )
    put.add_argument("--folder", metavar="DIR", help="folder for restored files (default: Restored, beside the source)")
    put.add_argument("--codec", metavar="NAME", help="codec of the restored files (default: prores4444)")
    put.add_argument("--disable", action="store_true", help="with --put track: disable the original clip below")
    put.add_argument("--again", action="store_true", help="restore again what was already restored")
    put.add_argument(
        "--through", action="store_true", help="let Resolve render formats that cannot be read here (BRAW, R3D, ...)"
    )
    put.add_argument("--graded", action="store_true", help="restore the graded image: Resolve renders it first")
    scheduling = parser.add_argument_group("Scheduling")
    scheduling.add_argument(
        "--priority", type=int, default=0, metavar="N", help="higher runs first; -100..100 (default: 0)"
    )
    scheduling.add_argument(
        "--not-before", metavar="WHEN", help="earliest start: 20:00, 2030-01-31T06:30 or +2h, in local time"
    )


def restore_settings_of(args: Namespace, last: RestoreSettings) -> RestoreSettings:
    """The settings of the command line, completed by those of last time."""
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
