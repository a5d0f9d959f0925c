"""Content of a bundle, derived from pyproject.toml, the package's folders and its imports.

No module is listed by hand: programs that are imported by name at run time are found too.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

__all__ = [
    "EXTRAS",
    "LEFT_OUT",
    "Contents",
    "contents_of",
    "development_modules",
    "own_modules",
    "package_files",
    "runtime_distributions",
]

EXTRAS: tuple[str, ...] = ()
"""Extras of pyproject.toml that are included in a bundle, whose users cannot install them later."""

LEFT_OUT = (
    *("diffusers.pipelines", "diffusers.modular_pipelines"),
    *("hf_xet", "networkx", "setuptools", "tkinter", "torch.utils.tensorboard"),
)
"""Unused parts of dependencies: whole pipelines, downloads, GUI, compilers, dashboards."""

_PACKAGE = "answerprint"
_SCRIPTS = "resolve_scripts"
_NO_DATA = ("__pycache__", ".pyc")

Data = tuple[str, str]
"""A file, and its target folder in the bundle."""


@dataclass(frozen=True, slots=True)
class Contents:
    """Input of PyInstaller. distributions: their metadata, including licences, is copied."""

    modules: tuple[str, ...]
    excluded: tuple[str, ...]
    distributions: tuple[str, ...]
    data: tuple[Data, ...]


def contents_of(root: Path) -> Contents:
    """The content of a bundle of the checkout at root, with the packages installed for this Python.

    Raises RuntimeError if one of our modules cannot be imported or needs an excluded module.
    """
    declared = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    project = declared["project"]
    extras = [line for name in EXTRAS for line in project["optional-dependencies"][name]]
    distributions = runtime_distributions([*project["dependencies"], *extras])
    left_out = {canonicalize_name(each) for each in LEFT_OUT}
    excluded = (*LEFT_OUT, *development_modules(distributions))
    ours = (*own_modules(root / "daemon" / _PACKAGE), _SCRIPTS)
    optional = _modules_of({canonicalize_name(Requirement(line).name) for line in extras})
    patterns = declared["tool"]["setuptools"]["package-data"][_PACKAGE]
    return Contents(
        modules=(*ours, *_loaded_by((*ours, *optional), (root / "daemon", root), excluded)),
        excluded=excluded,
        distributions=tuple(each for each in distributions if each not in left_out),
        data=(
            (str(root / "LICENSE"), _PACKAGE),
            *_files(root / "daemon" / _PACKAGE, patterns),
            *_files(root / _SCRIPTS, ("**/*",)),
            *package_files(root / "daemon" / _PACKAGE / "weights" / "published"),
        ),
    )


def own_modules(package: Path) -> tuple[str, ...]:
    """All modules of a package, by dotted name."""
    parts = (file.relative_to(package.parent).with_suffix("").parts for file in package.rglob("*.py"))
    names = {".".join(each[:-1] if each[-1] == "__init__" else each) for each in parts}
    return tuple(sorted(name for name in names if not name.endswith("__main__")))


def runtime_distributions(requirements: Iterable[str]) -> tuple[str, ...]:
    """The distributions of the requirements and their dependencies, by canonical name.

    Raises importlib.metadata.PackageNotFoundError if one is not installed.
    """
    found: dict[str, set[str]] = {}
    pending = [Requirement(each) for each in requirements]
    while pending:
        wanted = pending.pop()
        name, extras = canonicalize_name(wanted.name), {"", *wanted.extras}
        new = extras - found.get(name, set())
        if not new:
            continue
        found.setdefault(name, set()).update(extras)
        for line in metadata.distribution(name).requires or ():
            inner = Requirement(line)
            if inner.marker is None or any(inner.marker.evaluate({"extra": each}) for each in new):
                pending.append(inner)
    return tuple(sorted(found))


def development_modules(distributions: Collection[str]) -> tuple[str, ...]:
    """Top-level modules of other distributions only; some of our libraries would use them if installed."""
    return tuple(
        sorted(
            module
            for module, providers in _providers().items()
            if module.isidentifier() and module not in (_PACKAGE, _SCRIPTS) and not providers & set(distributions)
        )
    )


def package_files(published: Path) -> list[Data]:
    """The files of packages that known models are unpacked from, each at its place in the package."""
    found = set()
    for path in published.glob("*.json"):
        package = json.loads(path.read_bytes()).get("package")
        for file in package["files"] if package else ():
            place = Path(package["module"]) / file["name"]
            source = metadata.distribution(package["distribution"]).locate_file(place)
            found.add((str(source), str(place.parent)))
    return sorted(found)


def _modules_of(distributions: Collection[str]) -> tuple[str, ...]:
    return tuple(sorted(module for module, providers in _providers().items() if providers & set(distributions)))


def _providers() -> dict[str, set[str]]:
    """The distributions of each top-level module, by canonical name."""
    found = metadata.packages_distributions()
    return {module: {canonicalize_name(each) for each in names} for module, names in found.items()}


def _loaded_by(modules: Collection[str], path: Iterable[Path], excluded: Collection[str]) -> tuple[str, ...]:
    """Modules of distributions that the given modules load, including those imported by name, which PyInstaller misses.

    Raises RuntimeError if one of the given modules cannot be imported.
    """
    answer = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-P", str(Path(__file__).with_name("loaded.py")), *excluded],
        input=json.dumps(modules),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path)), "HF_HUB_OFFLINE": "1"},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if answer.returncode:
        raise RuntimeError("Some modules cannot be imported without the excluded modules; see above.")
    return tuple(json.loads(answer.stdout))


def _files(folder: Path, patterns: Iterable[str]) -> list[Data]:
    """Files below a folder, each at its place in an installation."""
    files = {file for pattern in patterns for file in folder.glob(pattern) if file.is_file()}
    return [
        (str(file), str(file.parent.relative_to(folder.parent)))
        for file in sorted(files)
        if not any(file.name.endswith(each) or each in file.parts for each in _NO_DATA)
    ]
