"""Children start in one way, from a checkout and from a frozen bundle."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from answerprint import child
from answerprint.cli import main as cli


def test_a_frozen_program_starts_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert child.command("device") == [sys.executable, "--child", "device"]


def test_the_flag_of_a_bundle_leads_to_the_child(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--child", "flow-cache", "info", "--json"]) == 0
    assert '"flow_cache"' in capsys.readouterr().out


def test_every_program_exists() -> None:
    assert [name for name in child.PROGRAMS.values() if importlib.util.find_spec(name) is None] == []


def test_a_module_of_the_users_folder_is_never_taken_for_one_of_ours(tmp_path: Path) -> None:
    (tmp_path / "numpy.py").write_text("raise SystemExit('taken from the user')")
    command = [*child.command("flow-cache"), "info"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_the_media_child_does_small_equations_in_one_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "told_program.py").write_text(
        "import os\ndef main(argv):\n    print(os.environ.get('OPENBLAS_NUM_THREADS'))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(child, "PROGRAMS", {"media": "told_program", "device": "told_program"})
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "8")
    assert child.main(["device"]) == child.main(["media"]) == 0
    monkeypatch.delenv("OPENBLAS_NUM_THREADS")
    assert child.main(["device"]) == child.main(["media"]) == 0
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")  # so that it goes again
    assert capsys.readouterr().out.split() == ["8", "8", "None", "1"]


def test_errors_of_a_child_are_plain_lines(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("ANSWERPRINT_HOME", raising=False)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setattr(Path, "home", _homeless)
    assert child.main(["flow-cache", "info"]) == 2
    assert capsys.readouterr().err.splitlines()[0].startswith("answerprint: ")


def _homeless() -> Path:
    raise RuntimeError("no home")
