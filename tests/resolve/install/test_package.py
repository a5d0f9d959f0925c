"""What runs in Resolve is part of every installation."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from answerprint.resolve.bridge.attach import bridge_file
from answerprint.resolve.install.scripts import this_program

_CHECKOUT = Path(__file__).parents[3]


def test_the_program_finds_what_runs_in_resolve() -> None:
    folder = Path(this_program().folder)
    assert bridge_file().parent == folder
    assert {"answerprint_bridge.py", "answerprint_launcher.py", "answerprint_notice.py", "answerprint_words.py"} <= {
        each.name for each in folder.iterdir()
    }


@pytest.mark.slow
def test_a_wheel_has_all_that_runs_in_resolve(tmp_path: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=_CHECKOUT,
        capture_output=True,
        check=True,
    ).stdout
    source = tmp_path / "source"
    for name in filter(None, listed.decode().split("\0")):
        if (_CHECKOUT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((_CHECKOUT / name).read_bytes())
    line = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(tmp_path), str(source)]
    subprocess.run(line, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as file:
        packed = {name for name in file.namelist() if name.startswith("resolve_scripts/")}
    shipped = {each.relative_to(_CHECKOUT).as_posix() for each in (_CHECKOUT / "resolve_scripts").rglob("*.*")}
    assert packed == {name for name in shipped if "__pycache__" not in name}
