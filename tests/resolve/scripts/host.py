"""A stand-in for Resolve as far as a script sees it: run with the script's file, who to be, and further globals.

Runs in every Python from 3.6 on, as the scripts do.
"""

import os
import sys
import threading


class _Resolve:
    def __init__(self, product: str) -> None:
        self._product = product

    def GetProductName(self) -> str:
        return self._product

    def Hang(self) -> None:
        """A call that does not come back."""
        threading.Event().wait()


class _Fusion:
    """`bmd`: the other way to Resolve's object."""

    def scriptapp(self, name: str) -> _Resolve:
        assert name == "Resolve"
        return _Resolve("DaVinci Resolve Studio")


def main() -> None:
    """Run the script as Resolve does."""
    path, host, *given = sys.argv[1:]
    names: dict[str, object] = {"__name__": "__main__"}
    if host == "studio":
        names["resolve"] = _Resolve("DaVinci Resolve Studio")
    elif host == "bmd":
        names["bmd"] = _Fusion()
    names.update(dict(each.split("=", 1) for each in given))
    with open(path, encoding="utf-8") as file:  # noqa: PTH123
        text = file.read()
    # What suits Resolve's own Python and libraries, and would end any other program.
    os.environ.update(PYTHONHOME="/nowhere", PYTHONPATH="/nowhere", LD_LIBRARY_PATH="/nowhere/libs", PYTHONSTARTUP="x")
    exec(compile(text, "<menu>", "exec"), names)  # noqa: S102


main()
