"""`answerprint presets`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from answerprint.api.request import SETTINGS
from answerprint.cli.actions import Actions
from answerprint.cli.batch.values import SOURCE_OPTIONS
from answerprint.cli.context import Context
from answerprint.cli.settings import add_deliverable, add_settings, add_source, make_request
from answerprint.cli.table import columns, terminal_width
from answerprint.errors import InputError
from answerprint.frames.codec_choice import LIKE_SOURCE

if TYPE_CHECKING:
    from answerprint.cli.batch.presets import Preset

__all__ = ["add_arguments", "run"]

_EPILOG = """\
A preset is a set of options of `answerprint restore` under one name, for restore, preview, queue add, job files
(preset: NAME) and resolve. Options on the command line override it.

examples:
  answerprint presets list
  answerprint restore reel.mov restored.mov --preset tape
  answerprint presets save house --scale 2 --option fusion=weak --codec prores-hq --description "House look"
  answerprint presets show house > house.yaml
  answerprint presets save house --from house.yaml
"""

_SAVE_HELP = """\
Give the settings as options, or a file that `answerprint presets show` printed. A preset of the same name is only
replaced with --overwrite. A name that came with the program can be taken: yours is then used.
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments."""
    parser.epilog = _EPILOG
    actions = Actions(parser)
    actions.add("list", "list all presets")
    show = actions.add("show", "print a preset as the file that it is")
    show.add_argument("name", metavar="NAME", help="name of a preset, or its file")
    save = actions.add("save", "save settings under a name", _SAVE_HELP)
    save.add_argument("name", metavar="NAME", help="name: letters, digits, spaces, _ and -")
    save.add_argument("--from", dest="file", metavar="FILE.yaml", help="take the settings from this file")
    save.add_argument("--description", default="", metavar="TEXT", help="what it is for, shown in the list")
    save.add_argument("--overwrite", action="store_true", help="replace a preset of this name")
    add_source(save, without=("handles", "timecode"))
    add_settings(save, preset=False)
    add_deliverable(save)
    remove = actions.add("remove", "delete a preset that you saved")
    remove.add_argument("name", metavar="NAME", help="name of the preset")


def run(args: Namespace, context: Context) -> int:
    """Run the action and return the exit code."""
    from answerprint.cli.batch.presets import find_preset, remove_preset  # YAML takes a while to import

    if args.action == "list":
        return _list(context)
    if args.action == "show":
        return _show(find_preset(args.name), context)
    file = _save(args) if args.action == "save" else remove_preset(args.name)
    done = "saved" if args.action == "save" else "removed"
    if context.console.json:
        context.console.event({"event": done, "preset": args.name, "file": str(file)})
    else:
        context.console.out(f"The preset {args.name} is {done}: {file}")
    return 0


def _list(context: Context) -> int:
    from answerprint.cli.batch.presets import all_presets

    rows, code = [], 0
    for found in all_presets():
        if isinstance(found, InputError):
            context.console.err(f"{found.message} {found.remedy}")
            code = found.exit_code
        elif context.console.json:
            context.console.event(_facts(found))
        else:
            rows.append((found.name, "yours" if found.own else "", found.description))
    for line in columns(("PRESET", "", "FOR"), rows, width=terminal_width()) if rows else ():
        context.console.out(line)
    return code


def _show(preset: Preset, context: Context) -> int:
    if context.console.json:
        context.console.event(_facts(preset))
    else:
        for line in preset.file.read_text(encoding="utf-8").splitlines():
            context.console.out(line)
    return 0


def _facts(preset: Preset) -> dict[str, Any]:
    return {
        "event": "preset", "preset": preset.name, "description": preset.description, "own": preset.own,
        "file": str(preset.file), "settings": dict(preset.settings),
    }  # fmt: skip


def _save(args: Namespace) -> Path:
    from answerprint.cli.batch.presets import find_preset, save_preset

    given = _texts(args)
    if args.file is not None:
        if given:
            raise InputError("--from and other settings exclude each other.", "Change the file, or leave --from out.")
        shared = find_preset(str(Path(args.file).absolute()))
        return save_preset(args.name, args.description, shared, overwrite=args.overwrite)
    if not given:
        raise InputError("A preset needs at least one setting.", "Give options, such as --scale 2; see --help.")
    make_request(args, "source", "output", codec=args.codec)
    return save_preset(args.name, args.description, given, overwrite=args.overwrite)


def _texts(args: Namespace) -> dict[str, Any]:
    """The options that were given, as a job file writes them."""
    found: dict[str, Any] = {name: getattr(args, name) for name in SETTINGS if hasattr(args, name)}
    if found.pop("consistency", None) is not None:
        found["consistency"] = False
    if "options" in found:
        found["options"] = dict(text.partition("=")[::2] for text in args.options)
    for name in SOURCE_OPTIONS:
        if (text := getattr(args, f"source_{name}", None)) is not None:
            found[name] = text
    if args.codec == LIKE_SOURCE:
        found["like_source"] = True
    elif args.codec is not None:
        found["codec"] = args.codec
    if args.no_audio:
        found["audio"] = False
    return found | {name: True for name in ("sidecar", "framemd5") if getattr(args, name)}
