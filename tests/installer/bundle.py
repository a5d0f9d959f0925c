"""A built bundle on a machine of its own: another folder, no Python, and an environment that names nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

__all__ = ["Machine", "build", "move"]

ROOT = Path(__file__).parents[2]
_EXE = ".exe" if os.name == "nt" else ""
_NEEDED = ("SYSTEMROOT", "TEMP", "TMP")  # without them no program starts on Windows


class Machine:
    """Where a bundle is used. program: its folder; home: ANSWERPRINT_HOME; folder: where the user works."""

    def __init__(self, program: Path, home: Path, folder: Path) -> None:
        self.program, self.home, self.folder = program, home, folder
        self.user_home = folder.parent / "user"
        for each in (self.folder, self.user_home):
            each.mkdir()

    def environment(self) -> dict[str, str]:
        """All that programs are started with."""
        return {
            **{name: os.environ[name] for name in _NEEDED if name in os.environ},
            "PATH": str(self.folder.parent / "no programs"),
            "HOME": str(self.user_home),
            "ANSWERPRINT_HOME": str(self.home),
            "OMP_NUM_THREADS": "1",
        }

    def command(self, program: str = "answerprint") -> str:
        """The file of a program."""
        return str(self.program / f"{program}{_EXE}")

    def run(self, *arguments: str, environ: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run `answerprint` to its end. environ: more variables."""
        return subprocess.run(
            [self.command(), *arguments],
            cwd=self.folder,
            env=self.environment() | dict(environ or {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=240,
            check=False,
        )

    def start_daemon(self) -> subprocess.Popen[bytes]:
        """Start `answerprintd`."""
        return subprocess.Popen([self.command("answerprintd"), "--quiet"], cwd=self.folder, env=self.environment())

    def processes(self) -> set[int]:
        """Those that run a program of this bundle."""
        return {pid for pid, program in _programs() if self.program in program.parents}

    def foreign_libraries(self) -> set[str]:
        """Libraries in the memory of its processes that are neither the bundle's nor the system's."""
        mapped = {line.split(maxsplit=5)[5:][0] for pid in self.processes() for line in _maps(pid) if "/" in line}
        libraries = {each for each in mapped if ".so" in Path(each).name}
        return {each for each in libraries if not each.startswith((str(self.program), "/usr/lib", "/lib"))}


def build(folder: Path) -> Path:
    """Build a bundle; minutes."""
    subprocess.run(
        [
            *(sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level", "WARN"),
            *("--distpath", str(folder), "--workpath", str(folder / "work")),
            str(ROOT / "installer" / "answerprint.spec"),
        ],
        cwd=ROOT,
        check=True,
    )
    return folder / "answerprint"


def move(bundle: Path, to: Path) -> Path:
    """The same bundle in another folder; its files take no room twice where the disk can do without."""

    def link(source: str, target: str) -> str:
        try:
            os.link(source, target)
        except OSError:
            shutil.copy2(source, target)
        return target

    shutil.copytree(bundle, to, symlinks=True, copy_function=link)
    return to


def _programs() -> Iterator[tuple[int, Path]]:
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            yield int(entry.name), (entry / "exe").readlink()
        except OSError:  # it has ended, or is the system's
            continue


def _maps(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/maps").read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return []
