"""Compares what others see with the files in `goldens/`; `test_goldens` says what is frozen and how it is renewed."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

__all__ = ["FOLDER", "WRITE", "Golden", "merged", "pretty", "shape"]

FOLDER = Path(__file__).parent / "goldens"
WRITE = "--write-goldens"

_WIDTH = 110
_RENEW = f"python -m pytest tests/test_goldens*.py -n0 {WRITE}"
_CONTRACT = f"""\
Others rely on this: programs that read --json, scripts that call the commands, files on disk, projects of Resolve.
Is it on disk, on the wire or in a user's project? Put the old form back; or write a migration, keep the old form as a
file in goldens/kept, and test that it is still read.
Was something only added, or is the change announced in CHANGELOG.md? Then: {_RENEW}"""
_PROSE = f"Only sentences may change here, and only on purpose. Then: {_RENEW}"


class Golden:
    """One test's look at the files; with `write` it replaces them instead."""

    def __init__(self, write: bool) -> None:
        self.write = write

    def check(self, name: str, found: object, *, prose: bool = False) -> None:
        """Fail where a file says anything else. found: a text, or what JSON can say. prose: holds sentences only."""
        path, text = FOLDER / name, found if isinstance(found, str) else pretty(found) + "\n"
        if self.write:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            return
        kept = path.read_text(encoding="utf-8") if path.exists() else ""
        if kept != text:
            lines = difflib.unified_diff(kept.splitlines(), text.splitlines(), f"goldens/{name}", "now", "", "", 2, "")
            pytest.fail("\n".join(["", *lines, "", _PROSE if prose else _CONTRACT]), pytrace=False)

    def check_folder(self, name: str, found: Mapping[str, str], *, prose: bool = False) -> None:
        """A file for each entry, and no others."""
        known = {path.name for path in (FOLDER / name).glob("*")}
        for file, text in found.items():
            self.check(f"{name}/{file}", text, prose=prose)
        for old in known - found.keys():
            if not self.write:
                pytest.fail(f"goldens/{name}/{old} is no more.\n{_CONTRACT}", pytrace=False)
            (FOLDER / name / old).unlink()


def shape(value: object, literal: frozenset[str] = frozenset()) -> Any:  # noqa: ANN401 - whatever JSON can say
    """The keys and types of a JSON value. literal: keys whose values are part of the form."""
    if isinstance(value, Mapping):
        return {
            str(key): each if key in literal and isinstance(each, str) else shape(each, literal)
            for key, each in sorted(value.items())
        }
    if isinstance(value, (list, tuple)):
        return [merged(shape(each, literal) for each in value)] if value else []
    return {bool: "bool", int: "int", float: "float", str: "text", type(None): "null"}[type(value)]


def merged(shapes: Iterable[Any]) -> Any:  # noqa: ANN401
    """One shape for several values. A key that is not always there ends in `?`, types are joined by `|`."""
    result: Any = None
    for number, each in enumerate(shapes):
        result = each if number == 0 else _both(result, each)
    return result


def _both(one: Any, other: Any) -> Any:  # noqa: ANN401
    """What holds for either: its objects as one, its lists as one, and its plain types."""
    kinds = [each for shape in (one, other) for each in (shape["either"] if _is_either(shape) else [shape])]
    found: list[Any] = []
    if words := {word for each in kinds if isinstance(each, str) for word in each.split(" | ")}:
        found.append(" | ".join(sorted(words)))
    if lists := [each for each in kinds if isinstance(each, list)]:
        items = [item for each in lists for item in each]
        found.append([merged(items)] if items else [])
    if objects := [each for each in kinds if isinstance(each, dict)]:
        found.append(_object(objects))
    return found[0] if len(found) == 1 else {"either": found}


def _is_either(shape: Any) -> bool:  # noqa: ANN401
    return isinstance(shape, dict) and shape.keys() == {"either"}


def _object(objects: list[dict[str, Any]]) -> dict[str, Any]:
    names = [{key.removesuffix("?"): key for key in each} for each in objects]
    found = {}
    for name in sorted({name for each in names for name in each}):
        there = [(each, known[name]) for each, known in zip(objects, names, strict=True) if name in known]
        sometimes = len(there) < len(objects) or any(key.endswith("?") for _, key in there)
        found[name + "?" * sometimes] = merged(each[key] for each, key in there)
    return found


def pretty(value: object, indent: int = 0) -> str:
    """JSON whose smallest parts stand on a line each, so that a difference is a line."""
    flat = json.dumps(value, ensure_ascii=False)
    if len(flat) + indent <= _WIDTH and not _has_parts(value):
        return flat
    pad = " " * (indent + 1)
    if isinstance(value, Mapping):
        lines = [
            f"{pad}{json.dumps(key, ensure_ascii=False)}: {pretty(each, indent + 1)}" for key, each in value.items()
        ]
        return "{\n" + ",\n".join(lines) + "\n" + " " * indent + "}"
    if isinstance(value, (list, tuple)):
        return "[\n" + ",\n".join(pad + pretty(each, indent + 1) for each in value) + "\n" + " " * indent + "]"
    return flat


def _has_parts(value: object) -> bool:
    """Whether a value holds more than one object."""
    if isinstance(value, Mapping):
        return len(value) > 1 and any(isinstance(each, Mapping) for each in value.values())
    return isinstance(value, (list, tuple)) and any(isinstance(each, Mapping) for each in value)
