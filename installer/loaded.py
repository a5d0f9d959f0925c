"""Import modules as a bundle would, and print all modules that this loads.

Arguments: excluded modules. Standard input: names of modules, as JSON. Standard output: the loaded modules, without the
standard library, as JSON.
"""

import importlib
import json
import sys
from collections.abc import Iterable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

__all__ = ["main"]


class _Without(MetaPathFinder):
    """The usual finders, with some modules hidden."""

    def __init__(self, names: Sequence[str], finders: Sequence[Any]) -> None:
        self._names, self._finders = frozenset(names), finders

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname in self._names:
            return None
        found = (finder.find_spec(fullname, path, target) for finder in self._finders)
        return next((spec for spec in found if spec is not None), None)

    def find_distributions(self, *context: Any) -> Iterable[Any]:  # noqa: ANN401 - as importlib.metadata asks
        return PathFinder.find_distributions(*context)


def main(left_out: Sequence[str]) -> int:
    """Import and print; returns 1 if a module cannot be imported."""
    sys.meta_path[:] = [_Without(left_out, list(sys.meta_path))]
    answers, sys.stdout = sys.stdout, sys.stderr
    problems = 0
    for name in json.load(sys.stdin):
        try:
            importlib.import_module(name)
        except ImportError as error:
            problems += 1
            sys.stderr.write(f"{name} cannot be imported: {error}\n")
    json.dump(sorted(name for name, module in sys.modules.items() if _is_a_file(name, module)), answers)
    return 1 if problems else 0


def _is_a_file(name: str, module: ModuleType | None) -> bool:
    """Whether it is loaded from a file outside the standard library."""
    root = name.partition(".")[0]
    if root in sys.stdlib_module_names or root.startswith("__"):
        return False
    spec = getattr(module, "__spec__", None)
    return spec is not None and spec.name == name and spec.has_location


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
