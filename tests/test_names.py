"""One name, one meaning: the package defines a public name once, or it is one interface that several modules have."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

import answerprint

PACKAGE = Path(answerprint.__file__).parent

INTERFACES = {
    "main": "what child.py, an installed command or `python -m` calls: the entry point of a program",
    "add_arguments": "a command describes its arguments to the parser",
    "run": "a command, or an action of `answerprint resolve`, does its work and gives the exit code",
    "load": "a family's adapter loads its network; backends.load finds the family and calls it",
    "arrange": "a family's original.py gives tensors of the published layout the names of the one used here",
    "encode": "pictures to latents, of one autoencoder",
    "decode": "latents to pictures, of one autoencoder",
}
"""Names that several modules define, with the one meaning that they share."""


def modules() -> list[Path]:
    """All modules but those that are generated."""
    return [path for path in sorted(PACKAGE.rglob("*.py")) if path.parent != PACKAGE / "rpc" / "v1"]


def is_alias(name: str) -> bool:
    """Whether what is assigned to is named like a type, such as OnEvent; constants are in capitals."""
    return name[0].isupper() and not name.isupper()


def public_names(path: Path) -> Iterator[str]:
    """Classes, functions and type aliases at the top level of a module; not constants and variables."""
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            names = [node.name]
        else:
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            names = [each.id for each in targets if isinstance(each, ast.Name) and is_alias(each.id)]
        yield from (name for name in names if not name.startswith("_"))


def defined() -> dict[str, list[str]]:
    """Every public name, and the modules that define it."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in modules():
        for name in public_names(path):
            found[name].append(path.relative_to(PACKAGE).as_posix())
    return found


def test_no_name_has_two_meanings() -> None:
    assert {name: where for name, where in defined().items() if len(where) > 1 and name not in INTERFACES} == {}


@pytest.mark.parametrize("name", INTERFACES)
def test_an_interface_has_several_implementations(name: str) -> None:
    assert len(defined()[name]) > 1


def test_names_are_found(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text(
        "LIMIT = 1\nPlace = str\nSize: TypeAlias = int\n_Own = int\nclass Thing: ...\nasync def go(): ...\n"
        "def do(): ...\nlog = 1\nclass URL: ...\n"
    )
    assert list(public_names(module)) == ["Place", "Size", "Thing", "go", "do", "URL"]
