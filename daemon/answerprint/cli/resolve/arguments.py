"""The arguments for how clips are restored and put back."""

from __future__ import annotations

from argparse import ArgumentParser, BooleanOptionalAction, Namespace
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from answerprint.api.request import QUALITY, SETTINGS
from answerprint.cli.settings import absolute, add_codec, settings_of
from answerprint.cli.times import parse_when
from answerprint.resolve.put_back.modes import MODES
from answerprint.resolve.restore.settings import RestoreSettings
from answerprint.temporal.options import describe

__all__ = ["add_restore_arguments", "restore_settings_of"]


def add_restore_arguments(parser: ArgumentParser) -> None:
    """Add the arguments that `restore_settings_of` reads."""
    put = parser.add_argument_group("Put back")
    put.add_argument("--put", choices=tuple(MODES), help="how to put clips back (default: as last time; at first pool)")
    put.add_argument(
        "--handles",
        type=int,
        metavar="N",
        help="extra frames before and after, if the source has them (default: as last time; at first 24)",
    )
    put.add_argument("--folder", metavar="DIR", help="folder for restored files (default: Restored, beside the source)")
    add_codec(
        put,
        "codec of the restored files (default: as last time; at first prores4444)",
        "codec of each source's own kind; prores4444 if it cannot be written",
    )
    put.add_argument(
        "--audio", action=BooleanOptionalAction, help="restored files have the sound of their source (default: yes)"
    )
    put.add_argument(
        "--sidecar",
        action=BooleanOptionalAction,
        help="also write FILE.json beside each restored file: hashes, model, settings and MD5 of every frame",
    )
    put.add_argument(
        "--disable", action=BooleanOptionalAction, help="with --put track: disable the original clip below"
    )
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
    """The settings of the command line and its preset, completed by those of last time.

    What a preset says of the source is left out: Resolve knows each clip's own.
    """
    settings = settings_of(args)
    interpret = settings.pop("interpret", {})
    preset = {name: settings.pop(name) for name in ("codec", "sidecar") if name in settings}
    given = {
        "put": args.put,
        "handles": args.handles,
        "folder": None if args.folder is None else absolute(args.folder),
        "codec": args.codec or preset.get("codec"),
        "disable": args.disable,
        "audio": {"no": False, "yes": True}.get(interpret.get("sound", "")) if args.audio is None else args.audio,
        "sidecar": preset.get("sidecar") if args.sidecar is None else args.sidecar,
    }
    return replace(
        last,
        **{name: value for name, value in given.items() if value is not None},
        settings=_over(last.settings, {name: value for name, value in settings.items() if name in SETTINGS}),
        priority=args.priority,
        not_before=None if args.not_before is None else parse_when(args.not_before),
    )


_OF_A_MODEL = ("task", "steps", "strength")
_SIZES = ("size", "scale")


def _over(last: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of last time, overridden by those of the command line.

    What was chosen for another model goes, as this one may not know it; so does a model where the quality chooses one.
    """
    kept = dict(last)
    options = dict(kept.pop("options", None) or {})
    chosen = dict(given.get("options", {}))
    if QUALITY in chosen and "model" not in given:
        kept.pop("model", None)
    if given.get("model", kept.get("model")) != last.get("model"):
        of_method = {option.name for option in describe()}
        options = {name: text for name, text in options.items() if name.replace("-", "_") in of_method}
        kept = {name: value for name, value in kept.items() if name not in _OF_A_MODEL}
    if any(name in given for name in _SIZES):
        kept = {name: value for name, value in kept.items() if name not in _SIZES}
    return {**kept, **given, "options": {**options, **chosen}}
