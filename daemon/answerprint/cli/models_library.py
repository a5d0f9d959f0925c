"""`answerprint models pull`, `import` and `remove`."""

from __future__ import annotations

import sys
import textwrap
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from answerprint.backends.catalogue import families
from answerprint.cli.connect import reach_daemon
from answerprint.cli.console import Console, agrees
from answerprint.cli.context import Context
from answerprint.cli.jobs.words import size_words
from answerprint.cli.times import duration
from answerprint.errors import ModelError, NoDaemonError
from answerprint.home import models_folder, state_folder
from answerprint.text import counted, plain
from answerprint.weights.importing.child import convert_in_child, fit_in_child
from answerprint.weights.importing.import_model import import_model
from answerprint.weights.importing.name import name_and_paths
from answerprint.weights.library import removable_folders, remove
from answerprint.weights.manifest import Manifest
from answerprint.weights.published_models import KnownModel, find_known, known_models
from answerprint.weights.pulling.memory import has_accepted, read_memory
from answerprint.weights.pulling.meter import Meter
from answerprint.weights.pulling.pull import PullOptions, PullProgress, comes_in_package, pull
from answerprint.weights.settings import load_model_settings

__all__ = ["add_import", "add_pull", "add_remove", "download_size", "run_import", "run_pull", "run_remove"]

_PULLING = """\
An interrupted pull keeps what it has downloaded: run the same command again to resume.
Settings of downloads, in the table [models] of config.toml or in the environment:
  proxy    ANSWERPRINT_PROXY    address of a proxy (default: from HTTPS_PROXY)
  mirror   ANSWERPRINT_MIRROR   like --mirror
  offline  ANSWERPRINT_OFFLINE  never download; --from-folder still works
  shelves  ANSWERPRINT_SHELVES  shared folders of models, read but never changed

examples:
  answerprint models pull ldm-sr-x4 --trust-first-download
  answerprint models pull sd-x4-upscaler --mirror https://mirror.studio/models
  answerprint models pull marigold-depth --from-folder /media/usb/marigold
"""
_IMPORTING = """\
Files are recognized by their content and copied; the model is installed only if they are complete and fit together.
Pickled checkpoints are converted once, in a sandbox. PATH can be
  a folder saved by diffusers, with its model_index.json
  the files of DiffBIR, or their folder: Stable Diffusion 2.1, the ControlNet, first stages, the tokenizer
  a model in one file, as its authors published it: {originals}
  one network that restores images or enlarges them up to four times: Real-ESRGAN, ESRGAN, and any other that the
  package spandrel supports, if that and torchvision are installed

examples:
  answerprint models import ldm-sr-x4 model.ckpt
  answerprint models import 4x-of-mine.pth
  answerprint models import diffbir-v2 v2-1_512-ema-pruned.ckpt v2.pth BSRNet.pth tokenizer/
  answerprint models import my-upscaler FOLDER --licence openrail++
"""

_LINE_SECONDS = 10.0
_WIDTH = 110
_EVENT_SECONDS = 0.5
_STAGES = {"fetch": "downloading", "convert": "converting", "check": "checking", "done": "done"}


def add_pull(parser: ArgumentParser) -> None:
    """Add the arguments of `pull`."""
    parser.add_argument("name", metavar="NAME", help=f"one of {', '.join(known_models())}")
    parser.add_argument("--accept-licence", action="store_true", help="accept the model's licence without asking")
    parser.add_argument(
        "--trust-first-download",
        action="store_true",
        help="accept files without a published hash; later downloads must match the first",
    )
    parser.add_argument(
        "--mirror",
        default="",
        metavar="URL",
        help="try this server first; it serves URL/NAME/FILE, with the files that `info` lists",
    )
    parser.add_argument(
        "--from-folder", type=Path, metavar="DIR", help="take the files from this folder; download the missing ones"
    )
    parser.epilog = _PULLING


def add_import(parser: ArgumentParser) -> None:
    """Add the arguments of `import`."""
    parser.add_argument(
        "name",
        metavar="NAME",
        nargs="?",
        help="name for the model; for a known model, its own name (default: the file's name)",
    )
    parser.add_argument("paths", metavar="PATH", nargs="+", help="the model's folder or files")
    parser.add_argument(
        "--family", default="", metavar="NAME", help=f"if the files do not tell: one of {', '.join(families())}"
    )
    parser.add_argument(
        "--licence", default="", metavar="NAME", help="licence of the files (default: that of the known model)"
    )
    parser.add_argument(
        "--scale", type=int, metavar="N", help="how many times it enlarges (default: that of its family)"
    )
    originals = [model.original.about for model in known_models().values() if model.original is not None]
    parser.epilog = _IMPORTING.format(originals=", ".join(originals) or "none")


def add_remove(parser: ArgumentParser) -> None:
    """Add the arguments of `remove`."""
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("--yes", action="store_true", help="do not ask")


def run_pull(args: Namespace, context: Context) -> int:
    """Show licence and size, ask, and download."""
    console, model, models = context.console, find_known(args.name), models_folder()
    accepted = args.accept_licence or has_accepted(models, model)
    options = PullOptions(args.accept_licence, args.trust_first_download, args.mirror, args.from_folder)
    if not console.json and not comes_in_package(model, options):
        for line in _terms(model):
            console.err(line)
        if sys.stdin.isatty():
            options = _ask(options, model, accepted)
    show, close = _presenter(console, model)
    try:
        folder = pull(model, models, load_model_settings(), options, on_progress=show, **_children(context))
    finally:
        close()
    if console.json:
        console.event({"event": "pulled", "name": model.name, "folder": str(folder)})
    else:
        console.out(f"{model.name} is installed in {folder}")
    return 0


def _ask(options: PullOptions, model: KnownModel, accepted: bool) -> PullOptions:
    """Ask what the arguments leave open."""
    if not accepted:
        accepted = agrees("Do you accept this licence?", default=False)
        options = replace(options, accept_licence=accepted)
    pins = read_memory(models_folder(), model.name).pins
    if accepted and not options.trust_first and any(name not in pins for name in model.unhashed):
        trusts = agrees("Some files have no published hash. Trust the first download of these files?", default=False)
        options = replace(options, trust_first=trusts)
    return options


def run_import(args: Namespace, context: Context) -> int:
    """Install a model from the user's files."""
    name, paths = name_and_paths([*filter(None, [args.name]), *args.paths])
    known = known_models().get(name)
    network = len(paths) == 1 and paths[0].is_file()  # people have many of these and rarely know their licence
    if known is None and not args.licence and not network:
        raise ModelError(
            f"The licence of {name!r} is unknown: it is not one of the known models.",
            f"Add --licence NAME, or use the name of a known model: {', '.join(known_models())}.",
        )
    family = args.family or (known.family if known else "")
    if family and family not in families():
        raise ModelError(f"No model family is called {family!r}.", f"Families: {', '.join(families())}.")
    draft = Manifest(
        name=name,
        family=family,
        version=known.version if known else "1",
        licence=args.licence or (known.licence.id if known else "not said"),
        summary=known.summary if known else f"imported from {paths[0].name}",
        scale=args.scale or (known.scale if known and not families()[known.family].scales else 0),
        files=(),
        notes="imported by the user",
    )
    scales = {each: 0 if info.scales else info.scale for each, info in families().items()}
    show = _stage_printer(context.console)
    manifest = import_model(paths, models_folder(), draft, scales=scales, on_stage=show, **_children(context))
    if context.console.json:
        names = [record.name for record in manifest.files]
        facts = {"name": manifest.name, "family": manifest.family, "scale": manifest.scale, "about": manifest.summary}
        context.console.event({"event": "imported", **facts, "files": names})
    else:
        context.console.out(
            f"{manifest.name} is installed: family {manifest.family}, {counted(len(manifest.files), 'file')}."
        )
        if manifest.summary != draft.summary:
            context.console.out(f"  {manifest.summary}")
    return 0


def _children(context: Context) -> dict[str, Any]:
    """How to start the child processes that convert and check."""
    start = context.child_command
    return {
        "convert": partial(convert_in_child, child_command=start),
        "fit": partial(fit_in_child, child_command=start),
    }


def _stage_printer(console: Console) -> Callable[[str], None]:
    """Return a function that prints the stage of an import."""

    def show(stage: str) -> None:
        if console.json:
            console.event({"event": "progress", "stage": stage})
        else:
            console.err(stage)

    return show


def run_remove(args: Namespace, context: Context) -> int:
    """Delete a model that no job uses or waits for."""
    removable_folders(args.name)
    _check_unused(args.name)
    if not args.yes:
        if context.console.json or not sys.stdin.isatty():
            raise ModelError(
                f"Removing {args.name!r} needs a confirmation, and there is no terminal to ask on.",
                f"To remove it: answerprint models remove {args.name} --yes",
            )
        if not agrees(f"Remove the model {args.name!r} and its files?", default=False):
            return 0
    freed = remove(args.name)
    if context.console.json:
        context.console.event({"event": "removed", "name": args.name, "freed_bytes": freed})
    else:
        context.console.out(f"Removed {args.name}; {size_words(freed)} freed.")
    return 0


def download_size(model: KnownModel) -> str:
    """The size of the download, as far as it is known."""
    if not model.size:
        return "size unknown"
    words = "" if not model.unsized else "about " if model.about_bytes else "at least "
    return words + size_words(model.size)


def _terms(model: KnownModel) -> list[str]:
    licence = model.licence
    terms = {"size": download_size(model), "from": ", ".join(model.hosts)}
    terms |= {"licence": f"{licence.title}. {licence.text}", "": licence.url}
    if model.unhashed:
        terms["hashes"] = (
            f"not published for {len(model.unhashed)} of {len(model.files)} files; "
            f"to list them: answerprint models info {model.name}"
        )
    lines = [f"{model.name}: {model.summary}"]
    for name, text in terms.items():
        lines += textwrap.wrap(text, _WIDTH, initial_indent=f"{name:<9}", subsequent_indent=" " * 9)
    return lines


def _check_unused(name: str) -> None:
    """Raise ModelError if the model is loaded or an unfinished job needs it, whether or not a daemon is running."""
    try:
        with reach_daemon() as client:
            if any(warm.model == name for warm in client.info().warm_models):
                raise ModelError(f"The model {name!r} is loaded.", f"Unload it: answerprint models unload {name}")
    except NoDaemonError:
        pass  # no daemon, so nothing is loaded
    from answerprint.store.read_only import jobs_that_need  # imports SQLite, which --help does not need

    needed = jobs_that_need(name, state_folder() / "journal.db")
    if needed:
        jobs = ", ".join(str(number) for number in needed[:10])
        raise ModelError(f"Unfinished jobs need the model {name!r}: {jobs}.", "Wait until they end, or cancel them.")


def _presenter(console: Console, model: KnownModel) -> tuple[Callable[[PullProgress], None], Callable[[], None]]:
    """Return a function that shows progress, and one that closes it."""
    meter = Meter()
    if not console.json and sys.stderr.isatty():
        bar: Any = tqdm(total=model.size or None, unit="B", unit_scale=True, file=sys.stderr, dynamic_ncols=True)

        def draw(progress: PullProgress) -> None:
            bar.set_description_str(plain(f"{_STAGES[progress.stage]} {progress.file}".strip()), refresh=False)
            bar.total = progress.total_bytes
            bar.update(progress.done_bytes - bar.n)

        return draw, bar.close
    last: list[float | str] = [0.0, ""]
    every = _EVENT_SECONDS if console.json else _LINE_SECONDS

    def report(progress: PullProgress) -> None:
        speed, now = meter.take(progress.done_bytes), time.monotonic()
        what = f"{progress.stage} {progress.file}"
        if what == last[1] and now - float(last[0]) < every:
            return
        last[:] = [now, what]
        eta = (progress.total_bytes - progress.done_bytes) / speed if speed else None
        if console.json:
            console.event(
                {
                    "event": "progress", "stage": progress.stage, "file": progress.file,
                    "done_bytes": progress.done_bytes, "total_bytes": progress.total_bytes,
                    "bytes_per_second": speed, "eta_seconds": eta,
                }
            )  # fmt: skip
            return
        words = [f"{_STAGES[progress.stage]} {progress.file}".strip()]
        words.append(f"{size_words(progress.done_bytes)} of {size_words(progress.total_bytes)}")
        words += [f"{size_words(speed)}/s"] if speed else []
        words += [f"{duration(eta)} left"] if eta is not None else []
        console.err(", ".join(words))

    return report, lambda: None
