"""One folder holds everything the program keeps, and one variable moves it."""

from __future__ import annotations

from pathlib import Path

import pytest

from answerprint import home
from answerprint.errors import InputError


def test_variable_moves_everything(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ANSWERPRINT_HOME", str(tmp_path / "all"))
    folders = {
        f() for f in (home.models_folder, home.flow_cache_folder, home.state_folder, home.run_folder, home.logs_folder)
    }
    assert len(folders) == 5
    for folder in folders:
        assert folder.is_relative_to(tmp_path / "all")
    assert not (tmp_path / "all").exists(), "asking creates nothing"


def test_relative_variable_is_resolved_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert home.home({"ANSWERPRINT_HOME": "here"}) == tmp_path / "here"


def test_each_platform_has_its_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    local = tmp_path / "Local"
    assert home.home({}, "linux") == tmp_path / ".local" / "share" / "answerprint"
    assert home.home({"XDG_DATA_HOME": str(local)}, "linux") == local / "answerprint"
    assert home.home({"LOCALAPPDATA": str(local)}, "win32") == local / "answerprint"
    assert home.home({}, "win32") == tmp_path / "AppData" / "Local" / "answerprint"
    assert home.home({}, "darwin") == tmp_path / "Library" / "Application Support" / "answerprint"


def test_empty_and_relative_places_are_ignored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    wanted = tmp_path / ".local" / "share" / "answerprint"
    assert home.home({"ANSWERPRINT_HOME": "", "XDG_DATA_HOME": ""}, "linux") == wanted
    assert home.home({"XDG_DATA_HOME": "data"}, "linux") == wanted


def test_user_without_a_home_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> Path:
        raise RuntimeError("no home")

    monkeypatch.setattr(Path, "home", nowhere)
    with pytest.raises(InputError, match="ANSWERPRINT_HOME"):
        home.home({}, "linux")
