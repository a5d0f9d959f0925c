"""The arguments shared by all commands that restore, and the request made from them."""

from __future__ import annotations

import os
import re
from argparse import SUPPRESS, Action, ArgumentParser, Namespace, _ArgumentGroup
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NoReturn

from answerprint.api.clip_ref import ClipRef
from answerprint.api.request import FIELD_TYPES, QUALITY, SETTINGS, RestoreRequest, Setting, SettingGroup
from answerprint.backends.catalogue import families
from answerprint.cli.batch.values import SOURCE_OPTIONS, read_size, read_source_option
from answerprint.cli.console import Console
from answerprint.cli.option_table import option_lines
from answerprint.errors import InputError
from answerprint.frames.codec_choice import LIKE_SOURCE
from answerprint.frames.codecs import CODECS
from answerprint.frames.sequence import IMAGE_SUFFIXES
from answerprint.temporal.options import describe

__all__ = [
    "absolute",
    "add_codec",
    "add_deliverable",
    "add_output",
    "add_settings",
    "add_source",
    "make_request",
    "over",
    "settings_of",
]

_DEFAULTS = RestoreRequest(ClipRef("-"), "-")
_SIZES = frozenset({"scale", "size"})
_METHOD = {option.name: option for option in describe()}
_GROUPS: Mapping[SettingGroup, str] = MappingProxyType(
    {"look": "Image", "time": "Consistency", "source": "Source", "machine": "Device"}
)
_EXCEPTIONS: Mapping[str, str] = MappingProxyType({"noise": "; independent with --no-consistency"})
"""Exceptions to the default of an option of the method."""
_READ: Mapping[str, Callable[[str], object]] = MappingProxyType({"int": int, "float": float})
_HASHES = re.compile(r"#{2,9}(?=[^#]*$)")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://|(?:concat|data|fd|file|pipe|subfile)[:,]", re.IGNORECASE)
"""What names no file: an address, or a protocol of FFmpeg. Any other name may have a colon, such as `take:2.mov`."""


def add_settings(parser: ArgumentParser, *, preset: bool = True) -> None:
    """Add an option for every setting that decides how frames are restored, and `--preset`.

    Options that are not given have no value: they are then the preset's, those of last time, or the defaults.
    """
    if preset:
        _group(parser, _GROUPS["look"]).add_argument(
            "--preset",
            metavar="NAME",
            help="settings by name, or a file of them; see `answerprint presets list`. Other options override it",
        )
    for group, title in _GROUPS.items():
        shown = _group(parser, title)
        for name, setting in SETTINGS.items():
            if setting.group == group:
                _add_setting(shown, name, setting)
        if group == "time":
            shown.add_argument(
                "--list-options", action=ListOptions, nargs=0, help="list the options that --option can set, and exit"
            )


def _group(parser: ArgumentParser, title: str) -> _ArgumentGroup:
    """The group of that title, which another function may have made."""
    made = next((each for each in parser._action_groups if each.title == title), None)
    return made or parser.add_argument_group(title)


def _add_setting(group: _ArgumentGroup, name: str, setting: Setting) -> None:
    """Add the option of a setting, by its type."""
    kind, default = FIELD_TYPES[name].removesuffix(" | None"), getattr(_DEFAULTS, name)
    option = f"--{name.replace('_', '-')}"
    if kind == "bool":
        switch = _switch(name)
        group.add_argument(switch, action="store_true", dest=name, help=setting.help, default=SUPPRESS)
        if switch.startswith("--no-"):
            undo = f"take back a {switch} of a preset or of last time"
            group.add_argument(option, action="store_false", dest=name, help=undo, default=SUPPRESS)
    elif kind.startswith("Mapping"):
        group.add_argument(
            option.removesuffix("s"),
            dest=name,
            action="append",
            default=SUPPRESS,
            metavar=setting.metavar,
            help=setting.help,
        )
    else:
        method = _METHOD.get(name)
        without = setting.default or ("" if default is None else format(default, "g" if kind == "float" else ""))
        if method is not None:
            without = method.default_text + _EXCEPTIONS.get(name, "")
        read: dict[str, Any] = {"type": _READ[kind]} if kind in _READ else {}
        group.add_argument(
            option,
            **read,
            default=SUPPRESS,
            choices=setting.choices or (method.choices if method is not None else ()) or None,
            metavar=setting.metavar,
            help=(setting.help if method is None else _clause(method.help))
            + (f" (default: {without})" if without else ""),
        )


def _clause(sentence: str) -> str:
    """The help of an option of the method, as those of settings are written."""
    return sentence[:1].lower() + sentence[1:].removesuffix(".")


def _switch(name: str) -> str:
    """The name of a switch, which inverts the default of its setting."""
    return f"--{'no-' if getattr(_DEFAULTS, name) else ''}{name.replace('_', '-')}"


def add_source(parser: ArgumentParser, *, without: Collection[str] = ()) -> None:
    """Add what a user knows better than the file: how the source is read. without: options that make no sense there."""
    source = _group(parser, "Source")
    for name, option in SOURCE_OPTIONS.items():
        if name in without:
            continue
        source.add_argument(
            f"--{name}", dest=f"source_{name}", metavar=option.metavar or None, help=option.help,
            choices=option.choices or None,
        )  # fmt: skip


def add_output(parser: ArgumentParser) -> None:
    """Add the settings that decide which frames are restored and how they are written."""
    parser.epilog = f"{parser.epilog or ''}\ncodecs:\n" + "\n".join(
        f"  {codec.name:<13} {codec.description}" for codec in CODECS.values()
    )
    out = _group(parser, "Output")
    out.add_argument(
        "--range",
        metavar="A:B",
        help="source frames from A up to, but not including, B, counted from 0; or two timecodes",
    )
    add_deliverable(parser)
    out.add_argument("--overwrite", action="store_true", help="replace an existing output once the new one is complete")


def add_deliverable(parser: ArgumentParser) -> None:
    """Add what is written: codec, sound, and files beside it."""
    out = _group(parser, "Output")
    add_codec(
        out,
        "codec, see below (default: from the extension of the output)",
        "codec of the source's own kind, if the extension of the output can hold it",
    )
    out.add_argument("--no-audio", action="store_true", help="leave the sound out")
    out.add_argument(
        "--sidecar", action="store_true", help="also write OUTPUT.json: hashes, model, settings and MD5 of every frame"
    )
    out.add_argument(
        "--framemd5", action="store_true", help="also write OUTPUT.framemd5: MD5 of every picture, in FFmpeg's form"
    )


def add_codec(group: _ArgumentGroup, named: str, like: str) -> None:
    """Add `--codec` and `--like-source`, with their help."""
    codec = group.add_mutually_exclusive_group()
    codec.add_argument("--codec", metavar="NAME", help=named)
    codec.add_argument("--like-source", action="store_const", const=LIKE_SOURCE, dest="codec", help=like)


def make_request(args: Namespace, source: str, output: str, **more: object) -> RestoreRequest:
    """Return the request of parsed arguments, its paths absolute. more: other fields; None and False are not given.

    Raises InputError.
    """
    paths = {"input": absolute(source), "output": absolute(output)}
    given = {name: value for name, value in more.items() if value is not None and value is not False}
    return RestoreRequest.from_json({**paths, **settings_of(args), **given})


def settings_of(args: Namespace) -> dict[str, Any]:
    """Return preset and arguments of `add_settings` and `add_source` as fields of a request, without those not given.

    Raises InputError.
    """
    name = getattr(args, "preset", None)
    if name is None:
        return _given(args)
    from answerprint.cli.batch.presets import find_preset  # YAML takes a while to import

    return over(find_preset(name).settings, _given(args))


def over(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a request, those of `base` overridden by `own`; options and facts of the source are merged by name."""
    values = dict(base)
    if own.keys() & _SIZES:
        values = {name: value for name, value in values.items() if name not in _SIZES}
    if "model" not in own and QUALITY in own.get("options", {}):
        values.pop("model", None)
    merged = {name: {**values.get(name, {}), **own.get(name, {})} for name in ("options", "interpret")}
    return {**values, **own, **{name: value for name, value in merged.items() if value}}


def _given(args: Namespace) -> dict[str, Any]:
    settings: dict[str, Any] = {name: getattr(args, name) for name in SETTINGS if hasattr(args, name)}
    settings |= {
        name: value != getattr(_DEFAULTS, name) for name, value in settings.items() if FIELD_TYPES[name] == "bool"
    }
    if "options" in settings:
        settings["options"] = _parse_options(args.options)
    if settings.get("size") is not None:
        settings["size"] = read_size(args.size)
    # Commands for Resolve have options of their own with some of these names.
    given = {name: text for name in SOURCE_OPTIONS if (text := getattr(args, f"source_{name}", None)) is not None}
    said = dict(read_source_option(name, text) for name, text in given.items())
    if getattr(args, "no_audio", False):
        said["sound"] = "no"
    if said:
        settings["interpret"] = said
    return settings


def absolute(text: str) -> str:
    """Return an absolute path. Raises InputError for an empty path and for a URL."""
    if not text:
        raise InputError("A path is empty.", "Give the path of a file.")
    if _URL.match(text) and not Path(text).drive and not os.path.lexists(text):  # a file may be called `file:2.mov`
        remedy = "Copy the media to this machine first." if "://" in text else f"A file of that name is ./{text}"
        raise InputError(f"{text} is not a path on this machine.", remedy)
    return numbered(os.path.abspath(text))  # noqa: PTH100 - may be a pattern of a sequence


def numbered(path: str) -> str:
    """The path with `%04d` for `####`, as other programs write the number of a picture; a file of that name stays."""
    folder, name = os.path.split(path)
    if Path(name).suffix.lower() not in IMAGE_SUFFIXES or os.path.lexists(path):
        return path
    return str(Path(folder) / _HASHES.sub(lambda found: f"%0{len(found[0])}d", name, count=1))


class ListOptions(Action):
    """Print the table of options and exit, even if other arguments are missing."""

    def __call__(self, parser: ArgumentParser, *ignored: object) -> NoReturn:
        """Print, then exit with code 0."""
        tables = {"options of the method": describe()}
        tables |= {f"options of the model family {name}": info.own_options for name, info in families().items()}
        for line in ["--option NAME=VALUE: name, default, allowed values", *option_lines(tables)]:
            Console().out(line)
        parser.exit()


def _parse_options(texts: list[str]) -> dict[str, str]:
    options: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise InputError(f"--option {text!r} has no value.", "Give NAME=VALUE; see --list-options.")
        options[name] = value
    return options
