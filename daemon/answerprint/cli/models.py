"""`answerprint models`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import PurePosixPath

from answerprint.backends.catalogue import ModelEntry, entries, find_model
from answerprint.backends.info import BackendInfo
from answerprint.cli.actions import Actions
from answerprint.cli.connect import open_daemon, reach_daemon
from answerprint.cli.context import Context
from answerprint.cli.jobs.words import size_words
from answerprint.cli.models_library import (
    add_import,
    add_pull,
    add_remove,
    download_size,
    run_import,
    run_pull,
    run_remove,
)
from answerprint.cli.option_table import option_lines
from answerprint.cli.table import columns
from answerprint.cli.times import parse_span
from answerprint.errors import ModelError
from answerprint.home import models_folder
from answerprint.option import Option
from answerprint.temporal.options import describe
from answerprint.text import counted
from answerprint.weights.manifest import FileRecord, read_manifest
from answerprint.weights.packaged.package import check_package
from answerprint.weights.published_models import KnownFile, KnownModel, known_models
from answerprint.weights.pulling.pull import published_name
from answerprint.weights.verify import verify_model

__all__ = ["add_arguments", "model_problem", "run"]

_EPILOG = """\
Only `pull` downloads anything. `info` shows the licence, the size and where the files belong.

examples:
  answerprint models info tiny-x4
  answerprint models pull sd-x4-upscaler --trust-first-download
  answerprint models import ldm-sr-x4 model.ckpt
  answerprint models import my-upscaler FOLDER --licence openrail++
  answerprint models load tiny-x4 --keep-alive 2h
  answerprint models unload
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments."""
    parser.epilog = _EPILOG
    actions = Actions(parser)
    add_pull(actions.add("pull", "download a known model; shows its licence first, checks every file"))
    add_import(actions.add("import", "install a model from your own files"))
    add_remove(actions.add("remove", "delete an installed model that no job needs"))
    for name, summary in (
        ("list", "list all models, installed or not"),
        ("info", "show the details and options of a model"),
        ("verify", "check the files of models against their hashes"),
        ("load", "load a model into memory, so that the next job starts at once"),
        ("unload", "free the memory of a model; a running job keeps it until it ends"),
    ):
        action = actions.add(name, summary)
        if name in ("info", "load"):
            action.add_argument("name", metavar="NAME")
        if name == "verify":
            action.add_argument("name", metavar="NAME", nargs="?", help="default: all installed models")
        if name == "unload":
            action.add_argument("name", metavar="NAME", nargs="?", default="", help="default: all loaded models")
        if name == "load":
            action.add_argument(
                "--device", default="auto", metavar="NAME", help="device to load it on (default: %(default)s)"
            )
            action.add_argument(
                "--keep-alive",
                metavar="SPAN",
                help="how long it stays loaded when unused: 90s, 10m, 2h, 0 or forever (default: as configured)",
            )


def run(args: Namespace, context: Context) -> int:
    """Run the action and return the exit code."""
    actions = {
        "list": _list, "info": _info, "verify": _verify, "load": _load, "unload": _unload,
        "pull": run_pull, "import": run_import, "remove": run_remove,
    }  # fmt: skip
    return actions[args.action](args, context)


def _list(args: Namespace, context: Context) -> int:
    known = entries()
    if context.console.json:
        context.console.event({"event": "models", "models": [_as_json(entry) for entry in known]})
        return 0
    rows = [(e.name, e.state, e.licence, _size_words(e), e.fault or e.summary) for e in known]
    for line in columns(("MODEL", "STATE", "LICENCE", "SIZE", "ABOUT"), rows, right="SIZE")[1:]:
        context.console.out(line)
    return 0


def _info(args: Namespace, context: Context) -> int:
    entry = next((entry for entry in entries() if entry.name == args.name), None) or find_model(args.name)
    if entry.fault:
        raise ModelError(entry.fault)
    info, known = entry.info, known_models().get(entry.name)
    if context.console.json:
        facts = {key: value for key, value in asdict(info).items() if key != "options"}
        options = {"options": _as_form(info.own_options), "method_options": _as_form(describe())}
        context.console.event({"event": "model", **_as_json(entry), "info": facts, **options})
        return 0
    lines = {
        "name": f"{entry.name} {entry.version}".strip(),
        "about": entry.summary,
        "family": f"{entry.family}: {info.summary}",
        "licence": _licence_words(entry),
        "state": f"{entry.state}: {entry.lack}" if entry.lack else entry.state,
        "size": _size_words(entry),
        "tasks": ", ".join(info.tasks),
        "gives": "" if info.gives == "picture" else f"{info.gives}; --strength does not apply",
        "enlarges": _scale_words(entry),
        "steps": _steps_words(info),
        "from": ", ".join(known.hosts) if known and not entry.ready else "",
        "notes": _notes(entry),
        "files": _place_words(entry),
    }
    for key, text in lines.items():
        if text:
            context.console.out(f"{key:<8}  {text}")
    for line in _file_lines(entry, known):
        context.console.out(f"{'':<8}  {line}")
    own = {option.name for option in info.own_options}
    tables = {
        "options of the model: name, default, allowed values": info.own_options,
        "options of the method": [option for option in describe() if option.name not in own],
    }
    for line in option_lines(tables):
        context.console.out(line)
    return 0


def _verify(args: Namespace, context: Context) -> int:
    chosen = [find_model(args.name)] if args.name else [entry for entry in entries() if entry.ready or entry.fault]
    bad = 0
    for entry in chosen:
        problem, remedy = model_problem(entry)
        bad += bool(problem)
        if context.console.json:
            event = {"event": "verified", "name": entry.name, "ok": not problem, "problem": problem, "remedy": remedy}
            context.console.event(event)
        else:
            context.console.out(f"{entry.name}: {problem or 'ok'}")
            if remedy:
                context.console.out(f"  {remedy}")
    return ModelError.exit_code if bad else 0


def _load(args: Namespace, context: Context) -> int:
    find_model(args.name)  # a missing model is an error before the daemon starts
    seconds = None if args.keep_alive is None else _keep_alive(args.keep_alive)
    with open_daemon(context) as client:
        warm = client.load_model(args.name, args.device, seconds)
    if context.console.json:
        context.console.event({"event": "warm", **asdict(warm)})
    else:
        about = f"{size_words(warm.bytes)} on {warm.device}, loaded in {warm.load_seconds:.1f} s"
        context.console.out(f"{warm.model} is loaded: {about}")
    return 0


def _unload(args: Namespace, context: Context) -> int:
    with reach_daemon() as client:
        freed = client.unload_models(args.name)
    if context.console.json:
        context.console.event({"event": "unloaded", "models": freed})
    else:
        context.console.out(f"{counted(freed, 'model')} unloaded.")
    return 0


def _keep_alive(text: str) -> float:
    """Seconds; negative means forever."""
    if text == "forever":
        return -1.0
    return 0.0 if text == "0" else parse_span(text)


def model_problem(entry: ModelEntry) -> tuple[str, str]:
    """Return what is wrong with the files of a model, and the remedy; both empty if nothing is."""
    if entry.fault:
        return entry.fault, f"Repair or remove {entry.folder}."
    try:
        if entry.folder is None:
            check_package(known_models()[entry.name])
        else:
            verify_model(entry.folder)
    except ModelError as error:
        return error.message, error.remedy
    return "", ""


def _size_words(entry: ModelEntry) -> str:
    if entry.ready or entry.name not in known_models():
        return size_words(entry.size) if entry.size else ""
    return download_size(known_models()[entry.name])


def _notes(entry: ModelEntry) -> str:
    """What the manifest notes besides the licence, such as the origin of the weights."""
    if entry.folder is None:
        return ""
    known = known_models().get(entry.name)
    licence = f"{known.licence.title}: {known.licence.url}" if known else ""
    return read_manifest(entry.folder).notes.removeprefix(licence).removeprefix("; ")


def _place_words(entry: ModelEntry) -> str:
    """Where its files are, or where they belong."""
    place = models_folder() / entry.name
    if entry.package:
        return f"in the package {entry.package}; at its first use the model is built in {place}"
    return str(entry.folder or f"not installed; they belong in {place}")


def _file_lines(entry: ModelEntry, known: KnownModel | None) -> Iterator[str]:
    """Its files, one per line; for a model that is not installed, first the remedy."""
    if entry.folder is not None:
        records: Sequence[FileRecord] = read_manifest(entry.folder).files
    elif entry.package and known is not None and known.package is not None:
        records = known.package.files
    else:
        try:
            find_model(entry.name)
        except ModelError as error:
            yield error.remedy
        yield from map(_file_words, known.files if known else ())
        return
    for record in records:
        yield f"{record.name}, {record.size} bytes, sha256 {record.sha256}"


def _scale_words(entry: ModelEntry) -> str:
    """Its scales: by default, for other tasks, and the largest."""
    info = entry.info
    words = [f"{entry.scale}x", *(f"{scale}x for {task}" for task, scale in info.task_scales)]
    if info.largest_scale > entry.scale:
        words.append(f"up to {info.largest_scale}x")
    return ", ".join(words)


def _steps_words(info: BackendInfo) -> str:
    if info.most_steps == 1:
        return "one"
    return f"{info.default_steps} by default, samplers {', '.join(info.samplers)}"


def _file_words(file: KnownFile) -> str:
    """A published file: its name on a mirror or in a folder, its size and its hash."""
    if file.content is not None:
        return f"{file.name}, part of Answerprint"
    made = f" converted from {PurePosixPath(published_name(file)).name}" if file.convert else ""
    size = "" if file.size is None else f", {size_words(file.size)}"
    return f"{file.name}{made}{size}, {'sha256 ' + file.sha256 if file.sha256 else 'no published hash'}"


def _licence_words(entry: ModelEntry) -> str:
    known = known_models().get(entry.name)
    if known is None or known.licence.id != entry.licence:
        return entry.licence
    return f"{entry.licence}: {known.licence.title}, {known.licence.url}"


def _as_json(entry: ModelEntry) -> dict[str, object]:
    data = asdict(entry)
    data["folder"] = None if entry.folder is None else str(entry.folder)
    data["state"], data["ready"] = entry.state, entry.ready
    return data


def _as_form(options: Sequence[Option]) -> list[dict[str, object]]:
    return [option.to_json() for option in options]
