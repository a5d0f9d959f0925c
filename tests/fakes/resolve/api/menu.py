"""Runs a script as an entry of the menu Workspace > Scripts: with Resolve's globals, and without __file__."""

import importlib
import json
import os
import runpy
import sys
from typing import Any


class WithWindows:
    """Fusion, and its toolkit where Resolve says that there is one."""

    def __init__(self, fusion: Any, toolkit: Any) -> None:  # noqa: ANN401 - an object of Resolve's, and its toolkit
        self._fusion, self._toolkit = fusion, toolkit

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - a method, a value or None
        found = getattr(self._fusion, name)
        return self._toolkit if name == "UIManager" and found else found

    def __dir__(self) -> Any:  # noqa: ANN401 - a list of names
        return dir(self._fusion)


def windows(fusion: Any, bmd: Any, people: Any) -> Any:  # noqa: ANN401
    """Fusion with a toolkit, and somebody at each of its windows in turn; bmd gets its dispatcher."""
    toolkit = runpy.run_path(os.path.join(os.path.dirname(os.path.dirname(__file__)), "toolkit.py"))  # noqa: PTH118,PTH120
    bmd.UIDispatcher = toolkit["Module"](*[toolkit["person"](steps) for steps in people]).UIDispatcher
    return WithWindows(fusion, toolkit["Fusion"]().UIManager)


def main() -> None:
    """Run the script that the environment names."""
    settings = json.loads(os.environ.pop("FAKE_RESOLVE_SCRIPT"))
    password = os.environ.pop("FAKE_RESOLVE_INSIDE")
    sys.path.append(os.path.join(os.environ["RESOLVE_SCRIPT_API"], "Modules"))  # noqa: PTH118 - Python 3.6 as well
    bmd = importlib.import_module("DaVinciResolveScript")
    resolve, fusion = bmd.scriptapp("Resolve", password), bmd.scriptapp("Fusion", password)
    if settings["people"]:
        fusion = windows(fusion, bmd, settings["people"])
    os.environ.update(settings["poison"])
    sys.argv = [""]
    with open(settings["script"], encoding="utf-8") as stream:  # noqa: PTH123
        source = stream.read()
    names = {"resolve": resolve, "fusion": fusion, "fu": fusion, "app": fusion, "bmd": bmd}
    exec(compile(source, "<script>", "exec"), {"__name__": "__main__", **names})  # noqa: S102 - what it is for


main()
