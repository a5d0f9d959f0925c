"""The arguments shared by all commands that restore, and the request made from them."""

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
    """Add the settings that decide how frames are restored."""
    image = parser.add_argument_group("Image")
    image.add_argument(
        "--model",
        default="",
        metavar="NAME",
        help=f"model; see `answerprint models list` (default: {_DEFAULTS.model}; {DEFAULT_MODELS['draft']} with "
        f"--option quality=draft; {DEFAULT_MODELS['best']} with --option quality=best)",
    )
    image.add_argument(
        "--task",
        default=_DEFAULTS.task,
        choices=["sr", "denoise", "face", "depth"],
        help="super-resolution, denoising, face restoration or depth (default: %(default)s)",
    )
    image.add_argument(
        "--scale", metavar="S", help="enlarge by S, such as 2, 1.5 or 3/2 (default: the model's own scale)"
    )
    image.add_argument("--size", metavar="WxH", help="size of the output in pixels, instead of --scale")
    image.add_argument(
        "--strength",
        type=float,
        default=_DEFAULTS.strength,
        metavar="0..1",
        help="blend of the enlarged source (0) and the restored image (1) (default: %(default)g)",
    )
    image.add_argument(
        "--steps", type=int, metavar="N", help="denoising steps; more are finer but slower (default: the model's)"
    )
    image.add_argument(
        "--seed",
        type=int,
        default=_DEFAULTS.seed,
        metavar="N",
        help="random seed; the same seed gives the same image (default: %(default)s)",
    )

    consistency = parser.add_argument_group("Consistency")
    consistency.add_argument(
        "--chunk",
        type=int,
        metavar="N",
        help=f"{_METHOD['chunk'].help} (default: {_METHOD['chunk'].default_text})",
    )
    consistency.add_argument(
        "--noise",
        choices=_METHOD["noise"].choices,
        help=f"{_METHOD['noise'].help} (default: {_METHOD['noise'].default_text}; independent with --no-consistency)",
    )
    consistency.add_argument(
        "--no-consistency", action="store_true", help="restore each frame on its own, as a baseline for comparison"
    )
    consistency.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="any other option of the method or the model; repeatable; see --list-options",
    )
    consistency.add_argument(
        "--list-options", action=ListOptions, nargs=0, help="list the options that --option can set, and exit"
    )

    device = parser.add_argument_group("Device")
    device.add_argument(
        "--device",
        default=_DEFAULTS.device,
        metavar="NAME",
        help="auto, cpu, cuda, cuda:1 or mps (default: %(default)s)",
    )


def add_output(parser: ArgumentParser) -> None:
    """Add the settings that decide which frames are restored and how they are written."""
    parser.epilog = f"{parser.epilog or ''}\ncodecs:\n" + "\n".join(
        f"  {codec.name:<11} {codec.description}" for codec in CODECS.values()
    )
    out = parser.add_argument_group("Output")
    out.add_argument(
        "--range",
        metavar="A:B",
        help="source frames from A up to, but not including, B, counted from 0; or two timecodes",
    )
    out.add_argument("--codec", metavar="NAME", help="codec, see below (default: from the extension of the output)")
    out.add_argument("--overwrite", action="store_true", help="replace an existing output once the new one is complete")


def make_request(args: Namespace, source: str, output: str, **more: object) -> RestoreRequest:
    """Return the request of parsed arguments, its paths absolute. Raises InputError."""
    paths = {"input": absolute(source), "output": absolute(output)}
    return RestoreRequest.from_json({**paths, **settings_of(args), **more})


def settings_of(args: Namespace) -> dict[str, object]:
    """Return the arguments of `add_settings` as fields of a request. Raises InputError."""
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
    """Return an absolute path. Raises InputError for an empty path and for a URL."""
    if not text:
        raise InputError("A path is empty.", "Give the path of a file.")
    # Only if no such file exists: a file may be called `take:2.mov`.
    if _SCHEME.match(text) and not Path(text).drive and not os.path.lexists(text):
        raise InputError(f"{text} is not a path on this machine.", "Copy the media to this machine first.")
    return os.path.abspath(text)  # noqa: PTH100 - may be a pattern of a sequence


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
