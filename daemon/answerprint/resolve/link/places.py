"""Where Resolve keeps what a script needs, on each system, as its own documentation says.

Paths only; nothing is read or made here. Sources: the README of Developer/Scripting, and where Resolve 21.1 puts its
own interpreter.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Places", "places"]


@dataclass(frozen=True, slots=True)
class Places:
    """Absolute paths; none of them need exist.

    scripts_user, scripts_all: folders of menu scripts, with Utility, Edit, Deliver... below. api: has Modules below it.
    library: the shared library that the module loads. pythons: Resolve's own interpreter, where there can be one.
    """

    scripts_user: Path
    scripts_all: Path
    api: Path
    library: Path
    pythons: tuple[Path, ...]


def places(environ: Mapping[str, str] | None = None, platform: str = sys.platform) -> Places:
    """The documented places; RESOLVE_SCRIPT_API and RESOLVE_SCRIPT_LIB come first, as in Resolve's own module."""
    environ = os.environ if environ is None else environ
    found = {"darwin": _mac, "win32": _windows}.get(platform, _linux)(environ)
    api, library = environ.get("RESOLVE_SCRIPT_API"), environ.get("RESOLVE_SCRIPT_LIB")
    return Places(
        found.scripts_user,
        found.scripts_all,
        Path(api) if api else found.api,
        Path(library) if library else found.library,
        found.pythons,
    )


def _linux(environ: Mapping[str, str]) -> Places:
    roots = (Path("/opt/resolve"), Path("/home/resolve"))
    root = next((each for each in roots if each.is_dir()), roots[0])
    return Places(
        _home(environ) / ".local/share/DaVinciResolve/Fusion/Scripts",
        root / "Fusion/Scripts",
        root / "Developer/Scripting",
        root / "libs/Fusion/fusionscript.so",
        (root / "ResolvePython", root / "ResolvePython/bin/python3"),
    )


def _mac(environ: Mapping[str, str]) -> Places:
    shared = Path("/Library/Application Support/Blackmagic Design/DaVinci Resolve")
    app = Path("/Applications/DaVinci Resolve/DaVinci Resolve.app/Contents")
    return Places(
        _home(environ) / "Library/Application Support/Blackmagic Design/DaVinci Resolve/Fusion/Scripts",
        shared / "Fusion/Scripts",
        shared / "Developer/Scripting",
        app / "Libraries/Fusion/fusionscript.so",
        (app / "Applications/ResolvePython", app / "Applications/ResolvePython/bin/python3"),
    )


def _windows(environ: Mapping[str, str]) -> Places:
    shared = Path(environ.get("PROGRAMDATA", r"C:\ProgramData")) / "Blackmagic Design/DaVinci Resolve"
    roaming = Path(environ.get("APPDATA", str(_home(environ) / "AppData/Roaming")))
    program = Path(environ.get("PROGRAMFILES", r"C:\Program Files")) / "Blackmagic Design/DaVinci Resolve"
    return Places(
        roaming / "Blackmagic Design/DaVinci Resolve/Support/Fusion/Scripts",
        shared / "Fusion/Scripts",
        shared / "Support/Developer/Scripting",
        program / "fusionscript.dll",
        (program / "ResolvePython.exe", program / "ResolvePython/python.exe"),
    )


def _home(environ: Mapping[str, str]) -> Path:
    named = environ.get("USERPROFILE" if sys.platform == "win32" else "HOME")
    return Path(named) if named else Path.home()
