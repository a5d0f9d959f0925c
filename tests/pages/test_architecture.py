"""The page of the architecture names what is there: packages, files, contracts, and what each process never imports."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import answerprint
from answerprint.api.job import JobState
from pages.reading import ROOT, inline_code, section, table

PAGE = ROOT / "docs" / "architecture.md"
PACKAGE = Path(answerprint.__file__).parent
MOST_WORDS = 2000
DATA = {"weights/published", "weights/tiny-x4"}
"""Folders of weights/ that hold models and no code."""
WALKS = (
    "timeline to the segment",
    "submit to done",
    "pull to warm",
    "a crash",
    "form to the sampler",
    "node of the editor",
)
NAMES_OF_LIBRARIES = {"PyAV": "av", "OpenCV": "cv2", "gRPC": "grpc"}

PROCESSES = table(section(PAGE, "## Processes"), "process")


def named(text: str) -> set[str]:
    """The files and folders among the code in a text."""
    return {code for code in re.findall(r"`([^`\n]+)`", text) if re.fullmatch(r"[\w./-]+(\.py|/)", code)}


def place(name: str) -> Path:
    """Where a file or folder lies: in the package, or below the root of the repository."""
    return PACKAGE / name if (PACKAGE / name).exists() else ROOT / name


def test_it_is_short() -> None:
    assert len(PAGE.read_text("utf-8").split()) <= MOST_WORDS


def test_every_file_and_folder_is_there() -> None:
    names = named("\n".join(f"`{code}`" for code in inline_code(PAGE)))
    by_parts = {"info.py", "adapter.py", "__init__.py"}  # of any family
    assert [name for name in sorted(names - by_parts) if not place(name).exists()] == []
    assert len(names) > 60


def test_the_tree_has_every_package_and_no_other() -> None:
    told = {name.rstrip("/") for name in named(section(PAGE, "## The tree").split("Outside the package")[0])}
    packages = {path.parent.relative_to(PACKAGE).as_posix() for path in PACKAGE.glob("*/__init__.py")}
    parts = {path.parent.relative_to(PACKAGE).as_posix() for path in PACKAGE.glob("resolve/*/__init__.py")}
    modules = {path.name for path in PACKAGE.glob("*.py")}
    # Of resolve the parts are listed in its place.
    assert {name for name in told if not name.endswith(".py")} == packages - {"resolve"} | parts
    assert {name for name in told if name.endswith(".py")} <= modules


def test_the_tree_stands_in_the_order_of_imports() -> None:
    layers = next(contract for contract in contracts() if contract["type"] == "layers")["layers"]
    order = [
        name.strip().removeprefix("answerprint.") for layer in reversed(layers) for name in re.split("[|:]", layer)
    ]
    told = [row["package"].strip("`/").split("/")[0] for row in table(section(PAGE, "## The tree"), "package")]
    level = {name: number for number, layer in enumerate(reversed(layers)) for name in re.findall(r"\w+", layer)}
    numbers = [level[name] for name in dict.fromkeys(told) if name in order]
    assert numbers == sorted(numbers)


def contracts() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    return found


def test_the_import_contracts_are_those_that_are_checked() -> None:
    listed = re.findall(r"^- (.+)$", section(PAGE, "## Rules"), re.MULTILINE)
    assert listed == [contract["name"] for contract in contracts()]


@pytest.mark.parametrize("row", PROCESSES, ids=lambda row: row["process"])
def test_a_process_never_imports_what_the_page_says(row: dict[str, str]) -> None:
    (file,) = named(row["program"])
    if place(file).is_relative_to(PACKAGE):
        module = ".".join(["answerprint", *Path(file).with_suffix("").parts])
        program = f"import {module}"
    else:
        program = f"import runpy; runpy.run_path({str(place(file))!r}, run_name='imported')"
    code = f"import sys; sys.path.insert(0, {str(PACKAGE.parent)!r}); {program}; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(ran.stdout.split())
    never = {NAMES_OF_LIBRARIES.get(name, name) for name in re.findall(r"\w+", row["never imports"])}
    if "everything" in never:
        assert not {name for name in loaded if name.partition(".")[0] in ("answerprint", "grpc", "torch", "numpy")}
    else:
        never = {f"answerprint.{name}" if (PACKAGE / name).is_dir() else name for name in never}
        assert never & loaded == set()


def test_the_six_walks_are_there_and_name_files() -> None:
    headings = re.findall(r"^## (Walk \d: .+)$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert len(headings) == len(WALKS)
    for heading, about in zip(headings, WALKS, strict=True):
        assert about in heading
        assert len(named(section(PAGE, f"## {heading}"))) >= 5


def test_the_states_are_those_of_jobs() -> None:
    states = re.search(r"^States: ([\w, ]+)\.", PAGE.read_text("utf-8"), re.MULTILINE)
    assert states is not None
    assert states[1].split(", ") == [state.value for state in JobState]


def test_the_counts_are_those_that_are_wanted() -> None:
    rows = table(section(PAGE, "## Where to add a thing"), "add")
    assert [(row["add"], int(row["files"])) for row in rows] == [
        ("a model family", 2),
        ("a codec", 1),
        ("a way of putting back", 2),
        ("a setting", 3),
        ("a metric", 2),
    ]


def listed_modules(docstring: str) -> set[str]:
    """What a package's docstring lists: names at the beginning of a line, with two blanks or more after them."""
    lines = re.findall(r"^ *((?:[a-z_0-9]+, )*[a-z_0-9]+) {2,}\S", docstring, re.MULTILINE)
    return {name for line in lines for name in line.split(", ")}


def test_the_docstring_of_a_package_lists_what_is_in_it() -> None:
    lists = 0
    for path in PACKAGE.rglob("__init__.py"):
        names = listed_modules(ast.get_docstring(ast.parse(path.read_text("utf-8")), clean=False) or "")
        lists += bool(names)
        there = {each.stem for each in path.parent.iterdir() if each.suffix == ".py" or (each / "__init__.py").exists()}
        there |= {each.name for each in path.parent.iterdir() if each.is_dir()}
        assert names - there == set(), path
    assert lists >= 7
