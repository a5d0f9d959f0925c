"""A machine for `attach`: Resolve's scripting module as a text file, and the script folders of a user's home."""

from __future__ import annotations

import os
import sys
from pathlib import Path

__all__ = ["ANSWERING", "CLOSED", "Machine"]

ANSWERING = """
class Project:
    def GetName(self):
        return "Reel"

class Manager:
    def GetCurrentProject(self):
        return Project() if {project} else None

class Resolve:
    def GetProductName(self):
        return "{product}"
    def GetVersion(self):
        return [{version}, 7, ""]
    def GetProjectManager(self):
        return Manager()

def scriptapp(name):
    return Resolve()
"""
CLOSED = "def scriptapp(name):\n    return None\n"


class Machine:
    """A user's home with Resolve's scripting module. environ: the environment of programs on it."""

    def __init__(self, folder: Path) -> None:
        self.home, self.api = folder / "home", folder / "api"
        self.home.mkdir()
        self.environ = {
            **{name: value for name, value in os.environ.items() if name in ("PATH", "SYSTEMROOT", "LANG")},
            "HOME": str(self.home),
            "USERPROFILE": str(self.home),
            "APPDATA": str(self.home),
            "ANSWERPRINT_HOME": str(folder / "ours"),
            "RESOLVE_SCRIPT_API": str(self.api),
            "RESOLVE_SCRIPT_LIB": str(folder / "fusionscript.so"),
            "ANSWERPRINT_RESOLVE_PYTHON": sys.executable,
        }

    def resolve(self, module: str) -> None:
        """Install a Resolve."""
        (self.api / "Modules").mkdir(parents=True, exist_ok=True)
        (self.api / "Modules" / "DaVinciResolveScript.py").write_text(module)
        Path(self.environ["RESOLVE_SCRIPT_LIB"]).touch()

    def answering(self, product: str, version: tuple[int, int, int], project: bool = True) -> None:
        """Install and start a Resolve."""
        numbers = ", ".join(map(str, version))
        self.resolve(
            ANSWERING.replace("{product}", product).replace("{version}", numbers).replace("{project}", str(project))
        )
