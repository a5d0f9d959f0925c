"""The arguments that `restore` and `preview` share, and the request that they make."""

from __future__ import annotations

import os
import re
from argparse import Action, ArgumentParser, Namespace
from pathlib import Path
from typing import NoReturn

from answerprint.api.clip_ref import ClipRef
from answerprint.api.request import DEFAULT_MODELS, RestoreRequest
from answerprint.backends.catalogue import families
from answerprint.cli.batch.values import read_size
from answerprint.cli.console import Console
from answerprint.cli.option_table import option_lines
from answerprint.errors import InputError
from answerprint.frames.codecs import CODECS
from answerprint.temporal.options import describe

__all__ = ["absolute", "add_output", "add_settings", "make_request", "settings_of"]

_DEFAULTS = RestoreRequest(ClipRef("-"), "-")
_METHOD = {option.name: option for option in describe()}
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")


def add_settings(parser: ArgumentParser) -> None:
    """Add what decides how frames are restored."""
    look = parser.add_argument_group("the look")
    look.add_argument(
        "--model",
        default="",
        metavar="NAME",
        help=f"model; see `answerprint models list` (default: {_DEFAULTS.model}; with --option quality=draft "
        f"{DEFAULT_MODELS['draft']}, quality=best {DEFAULT_MODELS['best']})",
    )
    look.add_argument(
        "--task",
        default=_DEFAULTS.task,
        choices=["sr", "denoise", "face", "depth"],
        help="what the model is for (default: %(default)s)",
    )
    look.add_argument("--scale", metavar="S", help="enlarge by S, such as 2, 1.5 or 3/2 (default: what the model does)")
    look.add_argument("--size", metavar="WxH", help="enlarge to this size in pixels, in place of --scale")
    look.add_argument(
        "--strength",
        type=float,
        default=_DEFAULTS.strength,
        metavar="0..1",
        help="share of the restored picture; the rest is the enlarged source (default: %(default)g)",
    )
    look.add_argument(
        "--steps", type=int, metavar="N", help="denoising steps: more is slower and finer (default: the model's)"
    )
    look.add_argument(
        "--seed",
        type=int,
        default=_DEFAULTS.seed,
        metavar="N",
        help="the same seed gives the same picture (default: %(default)s)",
    )

    time = parser.add_argument_group("consistency over time")
    time.add_argument(
        "--chunk",
        type=int,
        metavar="N",
        help=f"{_METHOD['chunk'].help} (default: {_METHOD['chunk'].default_text})",
    )
    time.add_argument(
        "--noise",
        choices=_METHOD["noise"].choices,
        help=f"{_METHOD['noise'].help} (default: {_METHOD['noise'].default_text}; independent with --no-consistency)",
    )
    time.add_argument(
        "--no-consistency", action="store_true", help="restore every frame alone: the baseline to compare with"
    )
    time.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="any other switch of the method or the model; may be repeated; --list-options shows them",
    )
    time.add_argument("--list-options", action=ListOptions, nargs=0, help="show every NAME of --option, then exit")

    machine = parser.add_argument_group("the machine")
    machine.add_argument(
        "--device",
        default=_DEFAULTS.device,
        metavar="NAME",
        help="auto, cpu, cuda, cuda:1 or mps (default: %(default)s)",
    )


def add_output(parser: ArgumentParser) -> None:
    """Add what decides which frames are restored, and how they are written."""
    parser.epilog = f"{parser.epilog or ''}\ncodecs:\n" + "\n".join(
        f"  {codec.name:<11} {codec.description}" for codec in CODECS.values()
    )
    out = parser.add_argument_group("the output")
    out.add_argument("--range", metavar="A:B", help="source frames from 0, A inclusive, B exclusive; or two timecodes")
    out.add_argument("--codec", metavar="NAME", help="see below (default: by the name of the output)")
    out.add_argument("--overwrite", action="store_true", help="replace what is there, once its successor is complete")


def make_request(args: Namespace, source: str, output: str, **more: object) -> RestoreRequest:
    """Return the request of parsed arguments, its paths absolute. Raises InputError."""
    paths = {"input": absolute(source), "output": absolute(output)}
    return RestoreRequest.from_json({**paths, **settings_of(args), **more})


def settings_of(args: Namespace) -> dict[str, object]:
    """Return what `add_settings` was told, as fields of a request. Raises InputError."""
    return {
        "model": args.model,
        "task": args.task,
        "scale": args.scale,
        "size": None if args.size is None else read_size(args.size),
        "chunk": args.chunk,
        "steps": args.steps,
        "seed": args.seed,
        "strength": args.strength,
        "noise": args.noise,
        "consistency": not args.no_consistency,
        "options": _parse_options(args.option),
        "device": args.device,
    }


def absolute(text: str) -> str:
    """Return an absolute path. Raises InputError for an address of something that is not a file on this machine."""
    if not text:
        raise InputError("A path is empty.", "Name a file.")
    # Checked only for what does not exist: a file may well be named `take:2.mov`.
    if _SCHEME.match(text) and not Path(text).drive and not os.path.lexists(text):
        raise InputError(f"{text} is not a path: only files on this machine are read.", "Copy the media first.")
    return os.path.abspath(text)  # noqa: PTH100 - a pattern, which Path would take for a file as well


class ListOptions(Action):
    """Prints the table of `--option` and ends the program, whatever else was or was not given."""

    def __call__(self, parser: ArgumentParser, *ignored: object) -> NoReturn:
        """Print, then end with exit code 0."""
        tables = {"of the method": describe()}
        tables |= {f"of the model family {name}": info.own_options for name, info in families().items()}
        for line in ["--option NAME=VALUE: name, default, what it takes", *option_lines(tables)]:
            Console().out(line)
        parser.exit()


def _parse_options(texts: list[str]) -> dict[str, str]:
    options: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise InputError(f"--option {text!r} has no value.", "Give NAME=VALUE; --list-options shows them.")
        options[name] = value
    return options
