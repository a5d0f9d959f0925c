"""Attach to a running Resolve from outside, through a bridge process; and where Resolve keeps what that needs.

Resolve's scripting library can crash the interpreter that loads it, above all a frozen one or one of an unexpected
version (https://github.com/samuelgursky/davinci-resolve-mcp/issues/26). So this process never loads it. If a bridge
crashes, the next Python is tried.

Sources of the paths: the README of Developer/Scripting, and an installation of Resolve 21.1 for its own interpreter.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from answerprint.resolve.bridge.bridge import Bridge
from answerprint.resolve.errors import HangingError, NoResolveError, ResolveError

__all__ = [
    "Attempt",
    "ResolvePaths",
    "attached",
    "bridge_file",
    "candidates",
    "interpreter_environment",
    "resolve_paths",
]


@dataclass(frozen=True, slots=True)
class ResolvePaths:
    """Absolute paths, which may not exist.

    scripts_user, scripts_all: folders of menu scripts, with Utility, Edit, Deliver... in them. api: holds Modules.
    library: the shared library that the scripting module loads. pythons: possible paths of Resolve's own interpreter.
    """

    scripts_user: Path
    scripts_all: Path
    api: Path
    library: Path
    pythons: tuple[Path, ...]


def resolve_paths(environ: Mapping[str, str] | None = None, platform: str = sys.platform) -> ResolvePaths:
    """The documented paths; RESOLVE_SCRIPT_API and RESOLVE_SCRIPT_LIB override two of them, as in Resolve's own
    module.
    """
    environ = os.environ if environ is None else environ
    found = {"darwin": _mac, "win32": _windows}.get(platform, _linux)(environ)
    api, library = environ.get("RESOLVE_SCRIPT_API"), environ.get("RESOLVE_SCRIPT_LIB")
    return ResolvePaths(
        found.scripts_user,
        found.scripts_all,
        Path(api) if api else found.api,
        Path(library) if library else found.library,
        found.pythons,
    )


def _linux(environ: Mapping[str, str]) -> ResolvePaths:
    roots = (Path("/opt/resolve"), Path("/home/resolve"))
    root = next((each for each in roots if each.is_dir()), roots[0])
    return ResolvePaths(
        _home(environ) / ".local/share/DaVinciResolve/Fusion/Scripts",
        root / "Fusion/Scripts",
        root / "Developer/Scripting",
        root / "libs/Fusion/fusionscript.so",
        (root / "ResolvePython", root / "ResolvePython/bin/python3"),
    )


def _mac(environ: Mapping[str, str]) -> ResolvePaths:
    shared = Path("/Library/Application Support/Blackmagic Design/DaVinci Resolve")
    app = Path("/Applications/DaVinci Resolve/DaVinci Resolve.app/Contents")
    return ResolvePaths(
        _home(environ) / "Library/Application Support/Blackmagic Design/DaVinci Resolve/Fusion/Scripts",
        shared / "Fusion/Scripts",
        shared / "Developer/Scripting",
        app / "Libraries/Fusion/fusionscript.so",
        (app / "Applications/ResolvePython", app / "Applications/ResolvePython/bin/python3"),
    )


def _windows(environ: Mapping[str, str]) -> ResolvePaths:
    shared = Path(environ.get("PROGRAMDATA", r"C:\ProgramData")) / "Blackmagic Design/DaVinci Resolve"
    roaming = Path(environ.get("APPDATA", str(_home(environ) / "AppData/Roaming")))
    program = Path(environ.get("PROGRAMFILES", r"C:\Program Files")) / "Blackmagic Design/DaVinci Resolve"
    return ResolvePaths(
        roaming / "Blackmagic Design/DaVinci Resolve/Support/Fusion/Scripts",
        shared / "Fusion/Scripts",
        shared / "Support/Developer/Scripting",
        program / "fusionscript.dll",
        (program / "ResolvePython.exe", program / "ResolvePython/python.exe"),
    )


def _home(environ: Mapping[str, str]) -> Path:
    named = environ.get("USERPROFILE" if sys.platform == "win32" else "HOME")
    return Path(named) if named else Path.home()


_HELLO_SECONDS = 30.0  # a first import from a cold disk
_END_SECONDS = 2.0

# Variables that Resolve or a frozen program sets for its own libraries; they break another interpreter.
_FOREIGN_VARIABLES = ("PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONEXECUTABLE", "LD_LIBRARY_PATH", "LD_PRELOAD")
_FOREIGN_PREFIXES = ("DYLD_", "_MEIPASS", "_PYI_")


@dataclass(frozen=True, slots=True)
class Attempt:
    """One Python that was tried as a bridge. problem: why it failed, "" if it loaded the library."""

    python: str
    version: str
    problem: str


def bridge_file() -> Path:
    """The program of the bridge, part of every installation."""
    import resolve_scripts

    return Path(next(iter(resolve_scripts.__path__))) / "answerprint_bridge.py"


def interpreter_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """An environment for another interpreter: without the variables that Resolve or a frozen program sets."""
    return {
        name: value
        for name, value in environ.items()
        if name not in _FOREIGN_VARIABLES and not name.startswith(_FOREIGN_PREFIXES)
    }


def candidates(paths: ResolvePaths, environ: Mapping[str, str]) -> Iterator[str]:
    """Interpreters to try: only ANSWERPRINT_RESOLVE_PYTHON if set; else Resolve's own, ours unless frozen, the
    system's.
    """
    if named := environ.get("ANSWERPRINT_RESOLVE_PYTHON"):
        yield named
        return
    yield from (str(each) for each in paths.pythons if each.is_file())
    if not getattr(sys, "frozen", False):
        yield sys.executable
    for name in ("python3", "python"):
        if found := shutil.which(name, path=environ.get("PATH")):
            yield found


@contextmanager
def attached(environ: Mapping[str, str] | None = None, attempts: list[Attempt] | None = None) -> Iterator[Bridge]:
    """A bridge to the running Resolve; its process ends with the block.

    attempts: gets an entry for each Python that was tried. Raises NoResolveError, with the reason, if none attaches.
    """
    environ = os.environ if environ is None else environ
    paths = resolve_paths(environ)
    tried = [] if attempts is None else attempts
    if not (paths.api / "Modules").is_dir():
        raise NoResolveError(
            f"DaVinci Resolve's scripting module is missing from {paths.api}.",
            "Install Resolve, or set RESOLVE_SCRIPT_API to its folder Developer/Scripting.",
        )
    for python in dict.fromkeys(candidates(paths, environ)):
        process = _start(python, paths, environ)
        if process is None:
            tried.append(Attempt(python, "", "it could not be started"))
            continue
        try:
            bridge = _handshake(process, python, tried)
            if bridge is not None:
                yield bridge
                return
        finally:
            _end(process)
        if not tried[-1].problem:
            break  # the library loaded and found no Resolve, as it would with any other Python
    raise _unreachable(tried)


def _handshake(process: subprocess.Popen[bytes], python: str, tried: list[Attempt]) -> Bridge | None:
    """The bridge if it attached; adds the attempt to `tried`."""
    if process.stdin is None or process.stdout is None:
        raise AssertionError("the process has no pipes")
    bridge = Bridge(process.stdout, process.stdin, on_lost=process.kill)
    try:
        hello = bridge.hello(_HELLO_SECONDS)
    except HangingError as error:
        tried.append(Attempt(python, "", error.message))
        raise
    except NoResolveError:
        tried.append(Attempt(python, "", f"Resolve's library crashes it (exit {process.wait(_END_SECONDS)})"))
        return None
    tried.append(Attempt(python, hello.python, hello.error))
    return bridge if hello.attached else None


def _start(python: str, paths: ResolvePaths, environ: Mapping[str, str]) -> subprocess.Popen[bytes] | None:
    environment = interpreter_environment(environ) | {"RESOLVE_SCRIPT_API": str(paths.api)}
    if paths.library.is_file():
        environment["RESOLVE_SCRIPT_LIB"] = str(paths.library)
    try:
        # -I: no folder and no variable of the user changes what it imports.
        return subprocess.Popen(  # noqa: S603 - our own program
            [python, "-I", str(bridge_file())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except OSError:
        return None


def _end(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):  # unwritten data have no reader any more
                pipe.close()
    try:
        process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _unreachable(tried: Sequence[Attempt]) -> ResolveError:
    problems = [f"{each.python}: {each.problem}" for each in tried if each.problem]
    if problems and all(each.problem for each in tried):
        return NoResolveError(
            f"Resolve's scripting library does not load ({'; '.join(problems)}).",
            "Install Python from python.org, and set ANSWERPRINT_RESOLVE_PYTHON to it.",
        )
    return NoResolveError(
        "DaVinci Resolve is not running, or does not allow external scripting.",
        "Start Resolve Studio, open a project, and set Preferences > System > General > External scripting using to"
        " Local. In the free edition, use the menu Workspace > Scripts > Answerprint.",
    )
