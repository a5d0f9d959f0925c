"""Attach to a running Resolve from outside: a bridge process, run by a Python that its library puts up with.

That library can crash the interpreter that loads it, above all a frozen one or one of a version it does not expect
(https://github.com/samuelgursky/davinci-resolve-mcp/issues/26), so it is never loaded into this process; a bridge
that dies of it is a Python that does not fit, and the next one is tried.

Where Resolve keeps what a script needs, on each system, as its own documentation says.

Paths only; nothing is read or made here. Sources: the README of Developer/Scripting, and where Resolve 21.1 puts its
own interpreter.
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

__all__ = ["Attempt", "Places", "attached", "bridge_file", "candidates", "places", "scrubbed"]


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


_HELLO_SECONDS = 30.0  # a first import from a cold disk
_END_SECONDS = 2.0

# What a program that ships its own libraries sets for itself breaks another interpreter.
_POISON = ("PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONEXECUTABLE", "LD_LIBRARY_PATH", "LD_PRELOAD")
_POISON_PREFIXES = ("DYLD_", "_MEIPASS", "_PYI_")


@dataclass(frozen=True, slots=True)
class Attempt:
    """One Python that was tried as a bridge. problem: empty where it attached."""

    python: str
    version: str
    problem: str


def bridge_file() -> Path:
    """The bridge's program, which is part of every installation."""
    import resolve_scripts

    return Path(next(iter(resolve_scripts.__path__))) / "answerprint_bridge.py"


def scrubbed(environ: Mapping[str, str]) -> dict[str, str]:
    """An environment for another interpreter: without what Resolve, a shell or a frozen program set for theirs."""
    return {
        name: value for name, value in environ.items() if name not in _POISON and not name.startswith(_POISON_PREFIXES)
    }


def candidates(where: Places, environ: Mapping[str, str]) -> Iterator[str]:
    """Interpreters to try: the one that is named, Resolve's own, ours where it is a real one, and the system's."""
    if named := environ.get("ANSWERPRINT_RESOLVE_PYTHON"):
        yield named
        return
    yield from (str(each) for each in where.pythons if each.is_file())
    if not getattr(sys, "frozen", False):
        yield sys.executable
    for name in ("python3", "python"):
        if found := shutil.which(name, path=environ.get("PATH")):
            yield found


@contextmanager
def attached(environ: Mapping[str, str] | None = None, attempts: list[Attempt] | None = None) -> Iterator[Bridge]:
    """A bridge to the Resolve that runs on this machine; its process ends with the block.

    attempts: filled with what was tried. Raises NoResolveError when none can be reached, with the reason.
    """
    environ = os.environ if environ is None else environ
    where = places(environ)
    tried = [] if attempts is None else attempts
    if not (where.api / "Modules").is_dir():
        raise NoResolveError(
            f"DaVinci Resolve's scripting module is not in {where.api}.",
            "Install Resolve, or set RESOLVE_SCRIPT_API to its folder Developer/Scripting.",
        )
    for python in dict.fromkeys(candidates(where, environ)):
        process = _start(python, where, environ)
        if process is None:
            tried.append(Attempt(python, "", "it cannot be started"))
            continue
        try:
            bridge = _greet(process, python, tried)
            if bridge is not None:
                yield bridge
                return
        finally:
            _end(process)
        if not tried[-1].problem:
            break  # the library works, and found no Resolve: another Python would not either
    raise _unreachable(tried)


def _greet(process: subprocess.Popen[bytes], python: str, tried: list[Attempt]) -> Bridge | None:
    """The bridge if it has a Resolve; keeps how the attempt went."""
    if process.stdin is None or process.stdout is None:
        raise AssertionError("its pipes were asked for")
    bridge = Bridge(process.stdout, process.stdin, on_lost=process.kill)
    try:
        hello = bridge.hello(_HELLO_SECONDS)
    except HangingError as error:
        tried.append(Attempt(python, "", error.message))
        raise
    except NoResolveError:
        tried.append(Attempt(python, "", f"Resolve's library ends it (exit {process.wait(_END_SECONDS)})"))
        return None
    tried.append(Attempt(python, hello.python, hello.error))
    return bridge if hello.attached else None


def _start(python: str, where: Places, environ: Mapping[str, str]) -> subprocess.Popen[bytes] | None:
    environment = scrubbed(environ) | {"RESOLVE_SCRIPT_API": str(where.api)}
    if where.library.is_file():
        environment["RESOLVE_SCRIPT_LIB"] = str(where.library)
    try:
        # -I: no folder and no variable of the user's changes what it imports.
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
            with contextlib.suppress(OSError):  # what was still to be written has no reader any more
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
            "Set ANSWERPRINT_RESOLVE_PYTHON to a Python that it takes, from python.org.",
        )
    return NoResolveError(
        "No DaVinci Resolve answers.",
        "Start Resolve Studio, open a project, and set Preferences > System > General > External scripting using to"
        " Local. The free edition lets no other program in: use its menu Workspace > Scripts > Answerprint.",
    )
