"""`answerprint models pull`, `import` and `remove`: what comes onto this computer, and goes."""

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
A pull that broke off, or was ended with Ctrl-C, keeps what has come: the same command goes on.
The table [models] of config.toml, or variables of these names, say how files are fetched:
  proxy    ANSWERPRINT_PROXY    address of a proxy (default: as HTTPS_PROXY says)
  mirror   ANSWERPRINT_MIRROR   as --mirror
  offline  ANSWERPRINT_OFFLINE  nothing is ever fetched; --from-folder goes on working
  shelves  ANSWERPRINT_SHELVES  folders of models that a studio shares, which are read and never written

examples:
  answerprint models pull ldm-sr-x4 --trust-first-download
  answerprint models pull sd-x4-upscaler --mirror https://mirror.studio/models
  answerprint models pull marigold-depth --from-folder /media/usb/marigold
"""
_IMPORTING = """\
What a file is its content decides, and whether all of them make a model is checked before it is one. Yours are copied.
  a folder that diffusers saved, with its model_index.json
  the files of DiffBIR, or a folder of them: Stable Diffusion 2.1, the ControlNet, first stages, the tokenizer
  a model in one file, as its makers published it: {originals}
  one network that restores or enlarges pictures up to four times: of Real-ESRGAN and ESRGAN, and any other that the
  package spandrel knows, where that and torchvision are installed

examples:
  answerprint models import ldm-sr-x4 model.ckpt
  answerprint models import 4x-of-mine.pth
  answerprint models import diffbir-v2 v2-1_512-ema-pruned.ckpt v2.pth BSRNet.pth tokenizer/
  answerprint models import my-upscaler FOLDER --licence openrail++
"""

_EVERY_SECONDS = 10.0
_WIDTH = 110
_EVENT_SECONDS = 0.5
_STAGES = {"fetch": "fetching", "convert": "converting", "check": "checking", "done": "done"}


def add_pull(parser: ArgumentParser) -> None:
    """Describe the arguments of `pull`."""
    parser.add_argument("name", metavar="NAME", help=f"one of {', '.join(known_models())}")
    parser.add_argument("--accept-licence", action="store_true", help="accept the model's licence without being asked")
    parser.add_argument(
        "--trust-first-download",
        action="store_true",
        help="take files whose hash nobody published; what comes first is held to its hash from there on",
    )
    parser.add_argument(
        "--mirror", default="", metavar="URL", help="ask here first: URL/NAME/FILE, with the files that `info` lists"
    )
    parser.add_argument(
        "--from-folder", type=Path, metavar="DIR", help="take the files from a folder; what it lacks is fetched"
    )
    parser.epilog = _PULLING


def add_import(parser: ArgumentParser) -> None:
    """Describe the arguments of `import`."""
    parser.add_argument(
        "name",
        metavar="NAME",
        nargs="?",
        help="what the model is to be called here; of a known one its own name (default: as the one file is called)",
    )
    parser.add_argument("paths", metavar="PATH", nargs="+", help="its folder, or its files")
    parser.add_argument(
        "--family", default="", metavar="NAME", help=f"where the files do not tell it: one of {', '.join(families())}"
    )
    parser.add_argument(
        "--licence", default="", metavar="NAME", help="under which you have the files (default: a known model's own)"
    )
    parser.add_argument("--scale", type=int, metavar="N", help="enlarges so many times (default: as its family)")
    originals = [model.original.about for model in known_models().values() if model.original is not None]
    parser.epilog = _IMPORTING.format(originals=", ".join(originals) or "none that is known")


def add_remove(parser: ArgumentParser) -> None:
    """Describe the arguments of `remove`."""
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("--yes", action="store_true", help="do not ask")


def run_pull(args: Namespace, context: Context) -> int:
    """Show licence and size, ask once, and fetch."""
    console, model, models = context.console, find_known(args.name), models_folder()
    accepted = args.accept_licence or has_accepted(models, model)
    wishes = PullOptions(args.accept_licence, args.trust_first_download, args.mirror, args.from_folder)
    if not console.json and not comes_in_package(model, wishes):
        for line in _terms(model):
            console.err(line)
        if sys.stdin.isatty():
            wishes = _ask(wishes, model, accepted)
    show, close = _presenter(console, model)
    try:
        folder = pull(model, models, load_model_settings(), wishes, on_progress=show, **_children(context))
    finally:
        close()
    if console.json:
        console.event({"event": "pulled", "name": model.name, "folder": str(folder)})
    else:
        console.out(f"{model.name} is ready in {folder}")
    return 0


def _ask(wishes: PullOptions, model: KnownModel, accepted: bool) -> PullOptions:
    """Ask for what the arguments leave open."""
    if not accepted:
        accepted = agrees("Do you accept this licence?", default=False)
        wishes = replace(wishes, accept_licence=accepted)
    pins = read_memory(models_folder(), model.name).pins
    if accepted and not wishes.trust_first and any(name not in pins for name in model.unhashed):
        trusts = agrees("Do you trust what comes first, and hold it to its hash then?", default=False)
        wishes = replace(wishes, trust_first=trusts)
    return wishes


def run_import(args: Namespace, context: Context) -> int:
    """Make a model of the user's files."""
    name, paths = name_and_paths([*filter(None, [args.name]), *args.paths])
    known = known_models().get(name)
    network = len(paths) == 1 and paths[0].is_file()  # people have many, and seldom know whose they are
    if known is None and not args.licence and not network:
        raise ModelError(
            f"{name!r} is no known model: its licence is not known.",
            f"Say it: --licence NAME, or give it the name of a known one: {', '.join(known_models())}.",
        )
    family = args.family or (known.family if known else "")
    if family and family not in families():
        raise ModelError(f"There is no model family {family!r}.", f"Families: {', '.join(families())}.")
    said = Manifest(
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
    tell = _staged(context.console)
    sealed = import_model(paths, models_folder(), said, scales=scales, on_stage=tell, **_children(context))
    if context.console.json:
        names = [record.name for record in sealed.files]
        facts = {"name": sealed.name, "family": sealed.family, "scale": sealed.scale, "about": sealed.summary}
        context.console.event({"event": "imported", **facts, "files": names})
    else:
        context.console.out(f"{sealed.name} is ready: family {sealed.family}, {counted(len(sealed.files), 'file')}.")
        if sealed.summary != said.summary:
            context.console.out(f"  {sealed.summary}")
    return 0


def _children(context: Context) -> dict[str, Any]:
    """What starts the children that convert and check."""
    start = context.child_command
    return {
        "convert": partial(convert_in_child, child_command=start),
        "fit": partial(fit_in_child, child_command=start),
    }


def _staged(console: Console) -> Callable[[str], None]:
    """What tells people and programs what an import does now."""

    def tell(stage: str) -> None:
        if console.json:
            console.event({"event": "progress", "stage": stage})
        else:
            console.err(stage)

    return tell


def run_remove(args: Namespace, context: Context) -> int:
    """Remove a model that nobody uses or waits for."""
    removable_folders(args.name)
    _check_unused(args.name)
    if not args.yes:
        if context.console.json or not sys.stdin.isatty():
            raise ModelError(
                f"Nobody is here to be asked whether to remove {args.name!r}.",
                f"To remove it: answerprint models remove {args.name} --yes",
            )
        if not agrees(f"Remove the model {args.name!r} and its files?", default=False):
            return 0
    freed = remove(args.name)
    if context.console.json:
        context.console.event({"event": "removed", "name": args.name, "freed_bytes": freed})
    else:
        context.console.out(f"{args.name} is removed: {size_words(freed)} are free again.")
    return 0


def download_size(model: KnownModel) -> str:
    """How much is fetched, as far as that is known."""
    if not model.size:
        return "size unknown"
    words = "" if not model.unsized else "about " if model.about_bytes else "at least "
    return words + size_words(model.size)


def _terms(model: KnownModel) -> list[str]:
    licence = model.licence
    said = {"size": download_size(model), "from": ", ".join(model.hosts)}
    said |= {"licence": f"{licence.title}. {licence.text}", "": licence.url}
    if model.unhashed:
        said["hashes"] = (
            f"nobody published those of {len(model.unhashed)} of {len(model.files)} files; "
            f"answerprint models info {model.name} names them"
        )
    lines = [f"{model.name}: {model.summary}"]
    for name, text in said.items():
        lines += textwrap.wrap(text, _WIDTH, initial_indent=f"{name:<9}", subsequent_indent=" " * 9)
    return lines


def _check_unused(name: str) -> None:
    """Raise ModelError for a model in memory or one that an unfinished job needs, whether a daemon runs or not."""
    try:
        with reach_daemon() as client:
            if any(warm.model == name for warm in client.info().warm_models):
                raise ModelError(f"The model {name!r} is in memory.", f"answerprint models unload {name}")
    except NoDaemonError:
        pass  # nothing is in memory then
    from answerprint.store.read_only import jobs_that_need  # SQLite, for which --help has no use

    needed = jobs_that_need(name, state_folder() / "journal.db")
    if needed:
        jobs = ", ".join(str(number) for number in needed[:10])
        raise ModelError(f"The model {name!r} is needed by unfinished jobs: {jobs}.", "Let them end, or cancel them.")


def _presenter(console: Console, model: KnownModel) -> tuple[Callable[[PullProgress], None], Callable[[], None]]:
    """What shows the progress, and what ends that."""
    meter = Meter()
    if not console.json and sys.stderr.isatty():
        bar: Any = tqdm(total=model.size or None, unit="B", unit_scale=True, file=sys.stderr, dynamic_ncols=True)

        def draw(progress: PullProgress) -> None:
            bar.set_description_str(plain(f"{_STAGES[progress.stage]} {progress.file}".strip()), refresh=False)
            bar.total = progress.total_bytes
            bar.update(progress.done_bytes - bar.n)

        return draw, bar.close
    last: list[float | str] = [0.0, ""]
    every = _EVENT_SECONDS if console.json else _EVERY_SECONDS

    def tell(progress: PullProgress) -> None:
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

    return tell, lambda: None
