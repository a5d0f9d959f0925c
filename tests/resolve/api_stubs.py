"""Resolve's type stubs as tables: which calls there are, with how many arguments and which keys."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ACCESSORS", "ApiStubs", "Call", "calls_in", "dictionaries_in"]

# In stubs of 21.0 these have no default although the documentation lets them be left out.
_OPTIONAL_NAMES = frozenset({"subframe_precision", "subTrackType", "newTrackOptions"})
ACCESSORS = frozenset({"ask", "text", "number", "whole", "done", "found", "needed", "table"})


@dataclass(frozen=True, slots=True)
class Signature:
    """How many arguments a call takes, self left out. most None: any number."""

    least: int
    most: int | None

    def takes(self, count: int) -> bool:
        """Whether it can be called with so many."""
        return self.least <= count and (self.most is None or count <= self.most)


@dataclass(frozen=True, slots=True)
class ApiStubs:
    """methods: of each class, all overloads. keys: of each TypedDict."""

    methods: Mapping[str, Mapping[str, tuple[Signature, ...]]]
    keys: Mapping[str, frozenset[str]]

    @classmethod
    def parse(cls, text: str) -> ApiStubs:
        """Read a stub; it is never executed, since the published one cannot be."""
        methods: dict[str, dict[str, tuple[Signature, ...]]] = {}
        keys: dict[str, frozenset[str]] = {}
        for node in ast.parse(text).body:
            if isinstance(node, ast.ClassDef) and any("TypedDict" in ast.unparse(base) for base in node.bases):
                keys[node.name] = frozenset(_names(node))
            elif isinstance(node, ast.ClassDef):
                table = methods.setdefault(node.name, {})
                for each in node.body:
                    if isinstance(each, ast.FunctionDef):
                        table[each.name] = (*table.get(each.name, ()), _signature(each))
        return cls(methods, keys)


@dataclass(frozen=True, slots=True)
class Call:
    """A call on an object of Resolve's, as the program is written. owner: the class and variable it is made with."""

    owner: tuple[str, str]
    method: str
    arguments: int
    where: str


def calls_in(file: Path) -> Iterator[Call]:
    """All calls on Resolve that a module of `answerprint.resolve.api` spells out."""
    for kind in ast.parse(file.read_text("utf-8")).body:
        if not isinstance(kind, ast.ClassDef):
            continue
        for node in ast.walk(kind):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
                continue
            if node.func.attr not in ACCESSORS or not isinstance(node.func.value, ast.Name):
                continue
            for method in _texts(node.args[0]):
                where = f"{file.name}:{node.lineno}"
                yield Call((kind.name, node.func.value.id), method, len(node.args) - 1, where)


def dictionaries_in(file: Path) -> Iterator[tuple[frozenset[str], str]]:
    """The keys of all dictionaries that a module spells out, and where."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Dict):
            texts = [each.value for each in node.keys if isinstance(each, ast.Constant)]
            yield frozenset(each for each in texts if isinstance(each, str)), f"{file.name}:{node.lineno}"


def _names(node: ast.ClassDef) -> Iterator[str]:
    return (
        each.target.id for each in node.body if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
    )


def _signature(node: ast.FunctionDef) -> Signature:
    given = [*node.args.posonlyargs, *node.args.args]
    if not any(isinstance(each, ast.Name) and each.id == "staticmethod" for each in node.decorator_list):
        given = given[1:]
    without_default = given[: len(given) - len(node.args.defaults)]
    # Whatever comes after one that may be left out may be left out too.
    least = next((index for index, each in enumerate(without_default) if _optional(each)), len(without_default))
    return Signature(least, None if node.args.vararg else len(given))


def _optional(argument: ast.arg) -> bool:
    text = ast.unparse(argument.annotation) if argument.annotation else ""
    return argument.arg in _OPTIONAL_NAMES or text.startswith("Optional[") or "None" in text.split(" | ")


def _texts(node: ast.expr) -> list[str]:
    if isinstance(node, ast.IfExp):
        return [*_texts(node.body), *_texts(node.orelse)]
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []
