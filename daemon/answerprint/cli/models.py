"""`answerprint models`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import asdict

from answerprint.backends.catalogue import ModelEntry, entries, find
from answerprint.errors import ModelError
from answerprint.models.manifest import read_manifest
from answerprint.models.verify import verify

from .context import Context

__all__ = ["add_arguments", "problem_of", "run"]


def add_arguments(parser: ArgumentParser) -> None:
    """Describe the arguments."""
    parser.epilog = "Nothing is downloaded. `info` says where the files of a model belong that is not on this computer."
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, summary in (
        ("list", "all models, on this computer or not"),
        ("info", "what one model is and can do"),
        ("verify", "compare the files with the hashes in their manifest"),
    ):
        action = actions.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
        if name == "info":
            action.add_argument("name", metavar="NAME")
        if name == "verify":
            action.add_argument("name", metavar="NAME", nargs="?", help="default: all that are on this computer")
        action.add_argument("--json", action="store_true", help="print JSON")


def run(args: Namespace, context: Context) -> int:
    """Do what was asked; returns the exit code."""
    actions = {"list": _list, "info": _info, "verify": _verify}
    return actions[args.action](args, context)


def _list(args: Namespace, context: Context) -> int:
    known = entries()
    if context.console.json:
        context.console.event({"event": "models", "models": [_as_json(entry) for entry in known]})
        return 0
    width = max(len(entry.name) for entry in known)
    for entry in known:
        state = "damaged" if entry.fault else "ready" if entry.folder else "not here"
        context.console.out(f"{entry.name:<{width}}  {state:<8}  {entry.fault or entry.summary}")
    return 0


def _info(args: Namespace, context: Context) -> int:
    entry = next((entry for entry in entries() if entry.name == args.name), None)
    if entry is None:
        find(args.name)  # raises, and knows the remedy
    if entry is None or entry.fault:
        raise ModelError(entry.fault if entry else f"There is no model {args.name!r}.")
    info = entry.info
    if context.console.json:
        context.console.event({"event": "model", **_as_json(entry), "info": asdict(info)})
        return 0
    lines = {
        "name": f"{entry.name} {entry.version}".strip(),
        "about": entry.summary,
        "family": f"{entry.family}: {info.summary}",
        "licence": entry.licence,
        "tasks": ", ".join(info.tasks),
        "enlarges": f"{entry.scale}x",
        "steps": f"{info.default_steps} by default, samplers {', '.join(info.samplers)}",
        "options": "; ".join(f"{option.name} ({option.form}, default {option.default})" for option in info.options),
        "files": str(entry.folder or "not on this computer"),
    }
    for key, text in lines.items():
        if text:
            context.console.out(f"{key:<8}  {text}")
    if entry.folder is None:
        _say_remedy(entry.name, context)
    else:
        for record in read_manifest(entry.folder).files:
            context.console.out(f"{'':<8}  {record.name}, {record.size} bytes, sha256 {record.sha256}")
    return 0


def _verify(args: Namespace, context: Context) -> int:
    chosen = [find(args.name)] if args.name else [entry for entry in entries() if entry.folder]
    bad = 0
    for entry in chosen:
        problem, remedy = problem_of(entry)
        bad += bool(problem)
        if context.console.json:
            event = {"event": "verified", "name": entry.name, "ok": not problem, "problem": problem, "remedy": remedy}
            context.console.event(event)
        else:
            context.console.out(f"{entry.name}: {problem or 'ok'}")
            if remedy:
                context.console.out(f"  {remedy}")
    return ModelError.exit_code if bad else 0


def problem_of(entry: ModelEntry) -> tuple[str, str]:
    """Return what is wrong with the files of a model, and the remedy; empty texts where nothing is."""
    if entry.fault or entry.folder is None:
        return entry.fault or "not on this computer", f"Repair or remove {entry.folder}."
    try:
        verify(entry.folder)
    except ModelError as error:
        return error.message, error.remedy
    return "", ""


def _say_remedy(name: str, context: Context) -> None:
    try:
        find(name)
    except ModelError as error:
        context.console.out(error.remedy)


def _as_json(entry: ModelEntry) -> dict[str, object]:
    data = asdict(entry)
    data["folder"] = None if entry.folder is None else str(entry.folder)
    return data
