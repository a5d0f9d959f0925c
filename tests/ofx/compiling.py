"""C for tests: compiled by the machine's compiler, or by Zig's if a package brought it; each source once."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

__all__ = ["HOST_SOURCES", "OFX_SOURCES", "compile_c", "compiler"]

_ROOT = Path(__file__).parents[2]
_HOST = Path(__file__).parent / "host"
_FLAGS = ("-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O2", "-g", "-pthread")

HOST_SOURCES = tuple(sorted(each for each in _HOST.glob("*.c") if each.name != "sample.c"))
"""The host; the sample plugin is none of it."""
OFX_SOURCES = tuple(sorted(each for each in (_ROOT / "ofx").glob("*.c") if each.name != "windows.c"))
"""The plugin of the product, for this system."""


def compiler() -> list[str] | None:
    """The command of a C compiler; None without one."""
    if found := shutil.which("cc"):
        return [found]
    return [sys.executable, "-m", "ziglang", "cc"] if importlib.util.find_spec("ziglang") else None


def compile_c(name: str, sources: Sequence[Path], flags: Sequence[str] = (), *, shared: bool = True) -> Path:
    """Compile to build/ofx-tests, unless the same was compiled before; returns the library, or the program.

    Raises subprocess.CalledProcessError with the compiler's words; RuntimeError without a compiler.
    """
    command = compiler()
    if command is None:
        raise RuntimeError("no C compiler: install one, or the package ziglang")
    command += [*_FLAGS, *(("-fPIC", "-shared", "-fvisibility=hidden") if shared else ()), *flags]
    digest = hashlib.sha256("\0".join(command).encode())
    for each in sources:
        for part in (each, *sorted(each.parent.glob("*.h"))):
            digest.update(part.read_bytes())
    target = _ROOT / "build" / "ofx-tests" / digest.hexdigest()[:16] / name
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = target.with_name(f"{name}.{os.getpid()}")  # another process may be doing the same
        subprocess.run([*command, *map(str, sources), "-o", str(fresh), "-ldl", "-lm"], check=True, capture_output=True)
        fresh.replace(target)
    return target
