"""Run menu scripts as Resolve does: text with globals and no `__file__`, in an environment that suits Resolve only."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from answerprint.resolve.install.scripts import MENU, Program, files, this_program

__all__ = ["MenuRunner", "ScriptResult"]

_HELPER = Path(__file__).with_name("helper.py")
_HOST = Path(__file__).with_name("host.py")


@dataclass(frozen=True, slots=True)
class ScriptResult:
    """The output of a script, and the exit code of its process."""

    code: int
    out: str
    err: str


class MenuRunner:
    """Menu scripts that start a scripted program; `folder` is a copy of the shipped folder, free to change."""

    def __init__(self, folder: Path) -> None:
        self.home, self.folder, self.bin = folder / "home", folder / "resolve scripts", folder / "bin"
        for each in (self.home, self.folder / "menu", self.bin):
            each.mkdir(parents=True)
        shipped = Path(this_program().folder)
        for name in [each.relative_to(shipped) for each in shipped.rglob("*.*")]:
            if "__pycache__" not in name.parts:
                (self.folder / name).write_bytes((shipped / name).read_bytes())

    @property
    def log(self) -> Path:
        """Where the standard error of the program goes."""
        return Path(self.environment()["ANSWERPRINT_HOME"]) / "logs" / "resolve-menu.log"

    def change(self, file: str, old: str, new: str) -> None:
        """Replace text in a file of the folder."""
        path = self.folder / file
        text = path.read_text()
        assert text.count(old) == 1
        path.write_text(text.replace(old, new))

    def command(self, behaviour: str) -> tuple[str, ...]:
        """The start of the command line of a program of that behaviour (see helper.py)."""
        return sys.executable, str(_HELPER), behaviour

    def script(self, behaviour: str, action: str = "selected", *, command: tuple[str, ...] | None = None) -> str:
        """The text of a script, installed for a program of that behaviour."""
        program = Program(command or self.command(behaviour), str(self.folder), "", "0.0.0")
        entry = next(each for each in MENU if each.action == action)
        return files(program)[entry.path].decode()

    def start(
        self, text: str, host: str = "studio", *, python: str = sys.executable, **given: str
    ) -> subprocess.Popen[str]:
        """Start a script. host: who runs it (see host.py). given: further globals."""
        path = self.home / "script.py"
        path.write_text(text)
        return subprocess.Popen(
            [python, str(_HOST), str(path), host, *(f"{name}={value}" for name, value in given.items())],
            env={**self.environment(), "PYTHONPATH": ""},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, text: str, host: str = "studio", *, python: str = sys.executable, **given: str) -> ScriptResult:
        """Run a script to its end."""
        with self.start(text, host, python=python, **given) as process:
            out, err = process.communicate(timeout=60)
        return ScriptResult(process.returncode, out, err)

    def environment(self) -> dict[str, str]:
        """Of a Resolve on a machine with nothing else: a home, and `bin` as the only folder with programs."""
        kept = {name: os.environ[name] for name in ("SYSTEMROOT", "LANG") if name in os.environ}
        named = {"HOME": self.home, "USERPROFILE": self.home, "ANSWERPRINT_HOME": self.home / "ours", "PATH": self.bin}
        return {**kept, **{name: str(path) for name, path in named.items()}}
