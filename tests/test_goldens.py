"""What others rely on does not change by itself: it is frozen in `goldens/`, apart from the sentences in it.

    python -m pytest tests/test_goldens*.py -n0 --write-goldens     renew the files, on purpose

commands.json, options.json   commands, arguments, choices, defaults; switches of the method and of the models
help/                         the sentences of every --help, and nothing else that is frozen here
codes.json, settings.json     error and exit codes; keys of config.toml and variables of the environment
protos.json                   every message, number and type; what is removed must be reserved, also when renewed
journal_schema.sql            tables of the newest journal; journal_v*.sql are older ones, see store/test_opening
events*.json                  keys and types of all that --json prints
journal_v*.json               jobs of those journals, as --json tells of them
home.json, files.json         names in the program's folder; what a job leaves there, and the tags of deliverables
fingerprints.json             by which chunks and flow of before are known again
project.json                  what is left in a project of Resolve's: names, metadata, markers, bins and tracks
form.json, bridge.json        what scripts in Resolve's menu, which may be older, say to the program and hear from it
kept/                         files of the forms that are on users' disks today. They are never renewed: a form that
                              changes gets a file beside the old one, and both are read here from then on
"""

from __future__ import annotations

import ast
import json
import re
import signal
import sqlite3
import sys
from argparse import REMAINDER, SUPPRESS, Action, ArgumentParser, _SubParsersAction
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, fields
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import FileDescriptor

import answerprint
from answerprint import child
from answerprint.api.request import DEFAULT_MODELS
from answerprint.backends.catalogue import families
from answerprint.cli import answerprintd
from answerprint.cli import main as answerprint_main
from answerprint.frames.codecs import CODECS
from answerprint.rpc.v1 import frames_pb2, models_pb2, restoration_pb2, system_pb2
from answerprint.scheduler.config import Config
from answerprint.server.server import request_types
from answerprint.store.journal import Journal
from answerprint.temporal.options import describe
from answerprint.weights.published_models import known_models
from answerprint.weights.settings import ModelSettings
from golden import FOLDER, Golden

PACKAGE = Path(answerprint.__file__).parent
SCRIPTS = PACKAGE.parents[1] / "resolve_scripts"

# The command line


class _Parsed(BaseException):
    """Ends a program where its arguments would be read. parser: that would read them."""

    def __init__(self, parser: ArgumentParser) -> None:
        self.parser = parser


def parser_of(program: Callable[[list[str]], object], *arguments: str) -> ArgumentParser:
    """The parser that a program makes for some arguments."""

    def stop(parser: ArgumentParser, *ignored: object) -> None:
        raise _Parsed(parser)

    before = signal.getsignal(signal.SIGTERM)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ArgumentParser, "parse_args", stop)
        try:
            program(list(arguments))
        except _Parsed as parsed:
            return parsed.parser
        finally:
            signal.signal(signal.SIGTERM, before)
    raise AssertionError("it reads no arguments")


def parsers() -> dict[str, ArgumentParser]:
    """Every command's, by its whole name."""
    found: dict[str, ArgumentParser] = {}

    def walk(name: str, parser: ArgumentParser) -> None:
        found.setdefault(name, parser)
        for each, sub in commands_of(parser).items():
            if all(action.nargs != REMAINDER for action in sub._actions):
                walk(f"{name} {each}", sub)

    root = parser_of(answerprint_main.main)
    found["answerprint"] = root
    for command in commands_of(root):
        sub = commands_of(parser_of(answerprint_main.main, command))[command]
        if any(action.nargs == REMAINDER for action in sub._actions):
            sub = parser_of(child.main, command)
        walk(f"answerprint {command}", sub)
    walk("answerprintd", parser_of(answerprintd.main))
    return found


def commands_of(parser: ArgumentParser) -> Mapping[str, ArgumentParser]:
    return next((each.choices for each in parser._actions if isinstance(each, _SubParsersAction)), {})


@pytest.fixture(scope="module")
def commands() -> dict[str, ArgumentParser]:
    return parsers()


def test_commands_and_their_arguments(commands: Mapping[str, ArgumentParser], golden: Golden) -> None:
    golden.check("commands.json", {name: _arguments(parser) for name, parser in commands.items()})


def _arguments(parser: ArgumentParser) -> dict[str, object]:
    found: dict[str, object] = {}
    for action in parser._actions:
        if isinstance(action, _SubParsersAction):
            found["COMMAND"] = {"choices": list(action.choices), "required": action.required}
        else:
            found[", ".join(action.option_strings) or action.dest] = _argument(action)
    for group in parser._mutually_exclusive_groups:
        names = [action.option_strings[0] for action in group._group_actions]
        found[f"only one of {', '.join(names)}"] = {"required": group.required}
    return found


def _argument(action: Action) -> dict[str, object]:
    kinds = {int: "int", float: "number", Path: "path", None: "text"}
    said: dict[str, object] = {"takes": action.metavar or action.dest if action.nargs != 0 else "nothing"}
    if action.nargs != 0 and action.type in kinds:
        said["type"] = kinds[action.type]
    if action.nargs not in (None, 0):
        said["nargs"] = action.nargs
    if action.choices is not None:
        said["choices"] = list(action.choices)
    if action.default not in (None, SUPPRESS, False):
        said["default"] = action.default
    if action.required:
        said["required"] = True
    repeats = type(action).__name__ == "_AppendAction"
    return said | ({"may be repeated": True} if repeats else {})


@pytest.mark.skipif(
    sys.version_info >= (3, 13), reason="argparse of Python 3.13 and later lays lines out in another way"
)
def test_the_sentences_of_help(
    commands: Mapping[str, ArgumentParser], golden: Golden, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    pages: dict[str, str] = {}
    for name, parser in commands.items():
        page = "-".join(name.split()[:2]) + ".txt"
        pages[page] = pages.get(page, "") + f"{'=' * 100}\n{parser.format_help()}"
    golden.check_folder("help", pages, prose=True)


def test_switches_models_and_codecs(golden: Golden) -> None:
    def form(options: Any) -> dict[str, object]:  # noqa: ANN401 - a sequence of options
        rest = [(each.name, {name: value for name, value in each.to_json().items() if value not in (None, "", [])})
                for each in options]  # fmt: skip
        return {name: {key: said[key] for key in said if key not in ("name", "help", "unit")} for name, said in rest}

    golden.check(
        "options.json",
        {
            "method": form(describe()),
            "families": {name: form(info.own_options) for name, info in families().items()},
            "qualities": dict(DEFAULT_MODELS),
            "models to pull": {name: {"family": each.family, "scale": each.scale, "files": len(each.files)}
                               for name, each in sorted(known_models().items())},
            "codecs": {name: {"suffixes": list(each.suffixes), "sequence": each.is_sequence}
                       for name, each in CODECS.items()},
        },
    )  # fmt: skip


# Words in the sources


@cache
def sources() -> tuple[str, ...]:
    """Every source of ours that nobody generated."""
    files = (path for folder in (PACKAGE, SCRIPTS) for path in sorted(folder.rglob("*.py")) if path.parent.name != "v1")
    return tuple(path.read_text("utf-8") for path in files)


def test_error_and_exit_codes(golden: Golden) -> None:
    """Every `code` of an error class with the exit code that it has or inherits, and codes said without a class."""
    speaking = [text for text in sources() if re.search(r"\b(exit_)?code\"?(: \w+ =| =|=|:) ?[\"\d]", text)]
    nodes = [node for text in speaking for node in ast.walk(ast.parse(text))]
    classes = [(node, _constants(node)) for node in nodes if isinstance(node, ast.ClassDef) and "Error" in node.name]
    said = {
        str(value.value) for node in nodes for name, value in _named_values(node)
        if name == "code" and isinstance(value, ast.Constant) and isinstance(value.value, str)
    }  # fmt: skip

    def exit_code(node: ast.ClassDef, own: Mapping[str, object]) -> int | None:
        if "exit_code" in own:
            return int(str(own["exit_code"]))
        bases = {base.id for base in node.bases if isinstance(base, ast.Name)}
        found = {exit_code(each, values) for each, values in classes if each.name in bases} - {None}
        assert len(found) <= 1, f"{node.name} inherits several exit codes"
        return found.pop() if found else None

    codes: dict[str, set[int | None]] = {}
    for node, own in classes:
        if "code" in own:
            codes.setdefault(str(own["code"]), set()).add(exit_code(node, own))
    assert all(None not in each for each in codes.values()), "a class inherits from one that is not found"
    exits = {code: sorted(each for each in codes[code] if each is not None) for code in sorted(codes)}
    golden.check("codes.json", {"exit codes": exits, "codes of other events": sorted(said - codes.keys())})


def test_events_that_no_other_golden_has(golden: Golden) -> None:
    """An event that is new, or that nothing lets happen in `test_goldens_runs`: its keys as the sources have them."""
    heard = "".join(
        path.read_text() for path in (*FOLDER.glob("events*.json"), FOLDER / "home.json") if "rare" not in path.name
    )
    found: dict[str, list[str]] = {}
    for text in sources():
        for node in ast.walk(ast.parse(text)) if '"event": "' in text else ():
            values = dict(_named_values(node)) if isinstance(node, ast.Dict) else {}
            name = getattr(values.get("event"), "value", None)
            if isinstance(name, str) and f'"event": "{name}"' not in heard and f'"{name}": "as ' not in heard:
                found[name] = sorted({*found.get(name, []), *values})
    golden.check("events_rare.json", dict(sorted(found.items())))


def _constants(node: ast.ClassDef) -> dict[str, object]:
    """The attributes of a class that are plain values."""
    found: dict[str, object] = {}
    for each in node.body:
        targets = (
            [each.target] if isinstance(each, ast.AnnAssign) else each.targets if isinstance(each, ast.Assign) else []
        )
        for target in targets:
            if isinstance(target, ast.Name) and isinstance(each.value, ast.Constant):  # type: ignore[attr-defined]
                found[target.id] = each.value.value  # type: ignore[attr-defined]
    return found


def _named_values(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """What is given by name: arguments of a call, entries of a dictionary."""
    if isinstance(node, ast.Call):
        yield from ((each.arg, each.value) for each in node.keywords if each.arg)
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield key.value, value


def test_settings_and_variables(golden: Golden) -> None:
    """Every key of config.toml with its default, and every name that begins as ours do."""
    ours = re.compile(r"ANSWERPRINT_[A-Z_]*[A-Z]|answerprint[_-][a-z_-]+(\.json)?|Answerprint\.[A-Z]\w+")
    names = {text for each in sources() for _, text in re.findall(r"([\"'])(\S*?)\1", each) if ours.fullmatch(text)}

    def keys(kind: type[Any]) -> dict[str, object]:
        return {
            each.name: list(each.default) if isinstance(each.default, tuple) else each.default
            for each in fields(kind) if each.default is not MISSING
        }  # fmt: skip

    golden.check(
        "settings.json",
        {
            "config.toml": keys(Config),
            "config.toml, models": keys(ModelSettings),
            "variables of the environment": [f"ANSWERPRINT_{each.name.upper()}" for each in fields(Config)]
            + [f"ANSWERPRINT_{each.name.upper()}" for each in fields(ModelSettings)],
            "names in the sources": sorted(names),
        },
    )


# The wire

PROTOS: tuple[FileDescriptor, ...] = tuple(
    each.DESCRIPTOR for each in (frames_pb2, models_pb2, restoration_pb2, system_pb2)
)


def contract() -> dict[str, Any]:
    """Every service, message and enum of the protocol by its whole name."""
    found: dict[str, Any] = {}
    for file in PROTOS:
        proto = descriptor_pb2.FileDescriptorProto()
        file.CopyToProto(proto)
        for service in proto.service:
            calls = {}
            for call in service.method:
                sides = [(call.client_streaming, call.input_type), (call.server_streaming, call.output_type)]
                calls[call.name] = " -> ".join("stream " * stream + kind.lstrip(".") for stream, kind in sides)
            found[f"service {proto.package}.{service.name}"] = calls
        for message in proto.message_type:
            _messages(f"{proto.package}.", message, found)
        for enum in proto.enum_type:
            _enum(f"{proto.package}.", enum, found)
    return found


def _messages(prefix: str, message: descriptor_pb2.DescriptorProto, found: dict[str, Any]) -> None:
    name = prefix + message.name
    kinds = descriptor_pb2.FieldDescriptorProto
    own = {}
    for field in message.field:
        label = "repeated " if field.label == kinds.LABEL_REPEATED else "optional " if field.proto3_optional else ""
        kind = field.type_name.lstrip(".") or kinds.Type.Name(field.type).removeprefix("TYPE_").lower()
        one = field.HasField("oneof_index") and not field.proto3_optional
        choice = f" of {message.oneof_decl[field.oneof_index].name}" if one else ""
        own[str(field.number)] = f"{label}{kind} {field.name}{choice}"
    reserved = [f"{each.start}-{each.end - 1}" for each in message.reserved_range] + list(message.reserved_name)
    found[f"message {name}"] = own | ({"reserved": reserved} if reserved else {})
    for nested in message.nested_type:
        _messages(f"{name}.", nested, found)
    for enum in message.enum_type:
        _enum(f"{name}.", enum, found)


def _enum(prefix: str, enum: descriptor_pb2.EnumDescriptorProto, found: dict[str, Any]) -> None:
    reserved = [f"{each.start}-{each.end}" for each in enum.reserved_range] + list(enum.reserved_name)
    values: dict[str, Any] = {str(each.number): each.name for each in enum.value}
    found[f"enum {prefix}{enum.name}"] = values | ({"reserved": reserved} if reserved else {})


def test_the_protocol(golden: Golden) -> None:
    """Also when the file is renewed, nothing may be removed or renumbered: an older client speaks the older form."""
    now = contract()
    kept = json.loads((FOLDER / "protos.json").read_text()) if (FOLDER / "protos.json").exists() else {}
    for name, before in kept.items():
        assert name in now, f"{name} is gone; clients of before still use it"
        reserved = set(now[name].get("reserved", []))
        for number, said in before.items():
            if number == "reserved":
                assert set(said) <= reserved, f"{name}: a reservation is gone"
            elif now[name].get(number) != said:
                gone = number not in now[name] and f"{number}-{number}" in reserved and said.split()[-1] in reserved
                assert gone, (
                    f"{name}: {number} was {said!r}, and is {now[name].get(number)!r}; reserve it, and add another"
                )
    golden.check("protos.json", now)


def test_the_calls_that_are_served_are_those_of_the_protocol() -> None:
    calls = {
        f"/{name.removeprefix('service ')}/{call}"
        for name, service in contract().items() if name.startswith("service ") for call in service
    }  # fmt: skip
    assert calls == {method for method in request_types() if "grpc.health" not in method}


# The journal


def test_the_schema_of_the_journal(golden: Golden, tmp_path: Path) -> None:
    """A new journal and one that was brought up to date have the same tables."""
    Journal.open(tmp_path / "new.db").close()
    texts = {"new": _schema(tmp_path / "new.db")}
    for old in sorted(FOLDER.glob("journal_v*.sql")):
        with sqlite3.connect(tmp_path / f"{old.stem}.db") as connection:
            connection.executescript(old.read_text())
        connection.close()
        Journal.open(tmp_path / f"{old.stem}.db").close()
        texts[old.stem] = _schema(tmp_path / f"{old.stem}.db")
    assert len(texts) > 1
    assert set(texts.values()) == {texts["new"]}, "a version that was released is never changed: add another"
    golden.check("journal_schema.sql", texts["new"])


def _schema(path: Path) -> str:
    """Without the comments, which are sentences."""
    with sqlite3.connect(path) as connection:
        numbers = {
            name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
        }
        made = connection.execute("SELECT sql FROM sqlite_master WHERE sql NOT NULL AND tbl_name NOT LIKE 'sqlite_%'")
        tables = sorted(re.sub(r"\s*--[^\n]*", "", sql) for (sql,) in made)
    connection.close()
    lines = [f"PRAGMA {name} = {number};" for name, number in numbers.items()] + [f"{sql};" for sql in tables]
    return "\n".join(lines) + "\n"
