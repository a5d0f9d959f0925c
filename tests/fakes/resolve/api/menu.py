"""Runs a script as an entry of the menu Workspace > Scripts: with Resolve's globals, and without __file__."""

import importlib
import json
import os
import sys


def main() -> None:
    """Run the script that the environment names."""
    settings = json.loads(os.environ.pop("FAKE_RESOLVE_SCRIPT"))
    password = os.environ.pop("FAKE_RESOLVE_INSIDE")
    sys.path.append(os.path.join(os.environ["RESOLVE_SCRIPT_API"], "Modules"))  # noqa: PTH118 - Python 3.6 as well
    bmd = importlib.import_module("DaVinciResolveScript")
    resolve, fusion = bmd.scriptapp("Resolve", password), bmd.scriptapp("Fusion", password)
    os.environ.update(settings["poison"])
    sys.argv = [""]
    with open(settings["script"], encoding="utf-8") as stream:  # noqa: PTH123
        source = stream.read()
    names = {"resolve": resolve, "fusion": fusion, "fu": fusion, "app": fusion, "bmd": bmd}
    exec(compile(source, "<script>", "exec"), {"__name__": "__main__", **names})  # noqa: S102 - what it is for


main()
