"""Build the OpenFX plugin for all systems, or for this one with its own compiler.

Everything is made by one compiler, `ziglang` from PyPI, on any machine, and always with the same bytes: no paths, no
times, no identities of a build get into a file. What each file exports and needs is checked before it is put in place.
"""

from __future__ import annotations

import os
import plistlib
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "installer"), str(ROOT / "daemon")]

from binary import read_binary  # noqa: E402 - beside this file, which is a program and no package

from answerprint import __version__  # noqa: E402

__all__ = ["BUNDLE", "EXPORTS", "PLACE", "SYSTEMS", "build_all", "build_here", "compile_command", "main"]

BUNDLE = "Answerprint.ofx.bundle"
PLACE = ROOT / "daemon" / "answerprint" / "ofx" / "plugin" / BUNDLE
"""Where `answerprint ofx install` finds it, in a checkout, an installation and a frozen bundle alike."""

IDENTIFIER = "answerprint.RestoredFrames"
EXPORTS = frozenset({"OfxGetNumberOfPlugins", "OfxGetPlugin", "OfxSetHost"})
OF_THE_LINKER = frozenset({"__dso_handle", "_mh_dylib_header"})
"""Names of a macOS library that its linker exports on its own; each library has them, and none is found by them."""

MOST_BYTES = 400_000
"""For one system."""

_FLAGS = ("-std=gnu11", "-O3", "-fPIC", "-fvisibility=hidden", "-Wall", "-Wextra", "-Werror")
_CACHE = ROOT / "build" / "zig-cache"


@dataclass(frozen=True, slots=True)
class System:
    """A system that the plugin is built for. needs: the libraries that it may ask for, all part of the system."""

    name: str
    folder: str
    targets: tuple[str, ...]
    flags: tuple[str, ...]
    needs: frozenset[str]


SYSTEMS = (
    System(
        "Linux", "Linux-x86-64", ("x86_64-linux-gnu.2.17",), ("-Wl,--build-id=none", "-lm"),
        frozenset({"libc.so.6", "libm.so.6"}),
    ),
    System(
        "macOS", "MacOS", ("x86_64-macos.11.0", "aarch64-macos.11.0"), (), frozenset({"/usr/lib/libSystem.B.dylib"}),
    ),
    System("Windows", "Win64", ("x86_64-windows-gnu",), ("-lws2_32",), frozenset({"kernel32.dll", "ws2_32.dll"})),
)  # fmt: skip
"""macOS takes one file for both of its processors."""

_CPU_TYPES = {"x86_64": (0x01000007, 3), "aarch64": (0x0100000C, 0)}
_FAT_MAGIC, _FAT_ALIGNMENT = 0xCAFEBABE, 14


def sources() -> list[Path]:
    """The plugin's source files."""
    return sorted((ROOT / "ofx").glob("*.c"))


def compile_command(compiler: Sequence[str], output: Path, flags: Sequence[str]) -> list[str]:
    """The command that compiles and links the plugin."""
    return [*compiler, *_FLAGS, "-shared", "-o", str(output), *map(str, sources()), *flags]


def build_here(output: Path, compiler: Sequence[str] = ("cc",), flags: Sequence[str] = ()) -> None:
    """Compile for this machine with its own compiler, such as for tests. Raises CalledProcessError."""
    libraries = () if sys.platform == "darwin" else ("-lm",)
    subprocess.run(compile_command(compiler, output, [*flags, *libraries]), check=True)  # noqa: S603 - our own sources


def build_all(output: Path, systems: Sequence[System] = SYSTEMS) -> list[tuple[str, int]]:
    """Build the bundle at output, replacing what is there. Returns the size of the file of each system.

    Raises RuntimeError if a file exports or needs what it must not, or is too large; CalledProcessError.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    sizes = []
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=".build-") as work:
        bundle = Path(work) / BUNDLE
        for system in systems:
            file = bundle / "Contents" / system.folder / "Answerprint.ofx"
            file.parent.mkdir(parents=True)
            parts = {target: _compile(target, system, Path(work)) for target in system.targets}
            for part in parts.values():
                _check(part, system)
            file.write_bytes(_joined(parts) if len(parts) > 1 else next(iter(parts.values())))
            file.chmod(0o755)
            sizes.append((system.name, file.stat().st_size))
        (bundle / "Contents" / "Info.plist").write_bytes(_information())
        resources = bundle / "Contents" / "Resources"
        resources.mkdir()
        (resources / f"{IDENTIFIER}.png").write_bytes(_icon())
        if output.exists():
            shutil.rmtree(output)
        bundle.rename(output)
    return sizes


def _compile(target: str, system: System, work: Path) -> bytes:
    """The file for one processor. It is always linked under the same name, which gets into signatures and tables."""
    file = work / target / "Answerprint.ofx"
    file.parent.mkdir()
    zig = [sys.executable, "-m", "ziglang", "cc", "-target", target]
    flags = ["-g0", "-s", f"-ffile-prefix-map={ROOT}=.", *system.flags]
    cache = {
        "ZIG_GLOBAL_CACHE_DIR": os.environ.get("ZIG_GLOBAL_CACHE_DIR", str(_CACHE)),
        "ZIG_LOCAL_CACHE_DIR": str(_CACHE / "local"),
    }
    command = compile_command(zig, Path(file.name), flags)
    subprocess.run(command, check=True, cwd=file.parent, env={**os.environ, **cache})  # noqa: S603 - our own sources
    return file.read_bytes()


def _check(data: bytes, system: System) -> None:
    found = read_binary(data)
    if found.exports - OF_THE_LINKER != EXPORTS:
        raise RuntimeError(f"The plugin for {system.name} exports {sorted(found.exports)}, not {sorted(EXPORTS)}.")
    # The C library of Windows is a number of small ones.
    needs = {name for name in found.needs if not name.startswith("api-ms-win-crt-")}
    if not needs <= system.needs:
        raise RuntimeError(f"The plugin for {system.name} needs {sorted(needs - system.needs)}.")
    if len(data) > MOST_BYTES:
        raise RuntimeError(f"The plugin for {system.name} has {len(data)} bytes, more than {MOST_BYTES}.")


def _joined(parts: Mapping[str, bytes]) -> bytes:
    """One file of macOS for several processors: a table, then each part at a multiple of 16 KiB."""
    table = struct.pack(">II", _FAT_MAGIC, len(parts))
    offset, body = 1 << _FAT_ALIGNMENT, b""
    for target, data in parts.items():
        padding = -len(body) % (1 << _FAT_ALIGNMENT)
        body += bytes(padding)
        table += struct.pack(">IIIII", *_CPU_TYPES[target.split("-")[0]], offset + len(body), len(data), _FAT_ALIGNMENT)
        body += data
    return table.ljust(offset, b"\0") + body


def _information() -> bytes:
    return plistlib.dumps(
        {
            "CFBundleDevelopmentRegion": "English",
            "CFBundleExecutable": "Answerprint.ofx",
            "CFBundleIdentifier": IDENTIFIER,
            "CFBundleInfoDictionaryVersion": "6.0",
            "CFBundleName": "Answerprint",
            "CFBundlePackageType": "BNDL",
            "CFBundleShortVersionString": __version__,
            "CFBundleVersion": __version__,
        }
    )


def _icon(side: int = 64) -> bytes:
    """A picture half coarse, half clear, as PNG in grey. Stored, not compressed, so that it is the same everywhere."""
    rows = b""
    for y in range(side):
        clear = [min(255, 40 + 2 * x + y) for x in range(side)]
        coarse = [clear[x // 16 * 16] ^ ((x // 4 * 7 + y // 4 * 13) % 5 * 12) for x in range(side)]
        border = [255 if x in (side // 2 - 1, side // 2) else 0 for x in range(side)]
        pixels = (b or (coarse if x < side // 2 else clear)[x] for x, b in enumerate(border))
        rows += b"\0" + bytes(pixels)
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)),
        (
            b"IDAT",
            b"\x78\x01\x01"
            + struct.pack("<HH", len(rows), 0xFFFF ^ len(rows))
            + rows
            + struct.pack(">I", zlib.adler32(rows)),
        ),
        (b"IEND", b""),
    )
    body = (
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(body)


def main() -> int:
    """Build the bundle where the program looks for it."""
    for name, size in build_all(PLACE):
        sys.stdout.write(f"{name:10s}{size:>10,} bytes\n")
    sys.stdout.write(f"{PLACE.relative_to(ROOT)}\nTo install it: answerprint ofx install\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
