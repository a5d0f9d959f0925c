"""`answerprint ofx`: into folders of plugins and out of them, and nothing else there is touched."""

from __future__ import annotations

import os
import sys
from pathlib import Path, PurePosixPath

import pytest

from answerprint import __version__
from answerprint.cli.main import COMMANDS
from answerprint.cli.ofx import command, plugin_folders
from answerprint.cli.ofx.plugin_folders import BUNDLE, PLACE_OF_MANIFEST, plugin_checks, system_folder
from cli.runner import CliRunner

PARTS = {"darwin": "MacOS", "win32": "Win64"}
LIBRARY = PurePosixPath("Contents", PARTS.get(sys.platform, "Linux-x86-64"), "Answerprint.ofx")
CONTENT = {str(LIBRARY): b"code", "Contents/Info.plist": b"information", "Contents/Resources/a.png": b"icon"}


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A plugin as `make ofx` leaves it, and a system folder of this test's own."""
    folder = tmp_path / "built"
    for name, data in CONTENT.items():
        (folder / BUNDLE / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / BUNDLE / name).write_bytes(data)
    monkeypatch.setattr(plugin_folders, "BUILT", folder)
    for module in (plugin_folders, command):
        monkeypatch.setattr(module, "system_folder", lambda: tmp_path / "system")
    monkeypatch.delenv("OFX_PLUGIN_PATH", raising=False)
    return folder


@pytest.fixture
def folder(built: Path, tmp_path: Path) -> Path:
    return tmp_path / "my plugins"


def content(folder: Path) -> dict[str, bytes]:
    """The files of our bundle, without the manifest."""
    return {
        path.relative_to(folder / BUNDLE).as_posix(): path.read_bytes()
        for path in (folder / BUNDLE).rglob("*")
        if path.is_file() and path != folder / PLACE_OF_MANIFEST
    }


def test_in_and_out_again(runner: CliRunner, folder: Path) -> None:
    said = runner("ofx", "install", "--folder", str(folder))
    assert said.code == 0 and f"Version {__version__}" in said.out
    assert f"OFX_PLUGIN_PATH='{folder}'" in said.out or sys.platform == "win32"
    assert content(folder) == CONTENT
    assert "up to date" in runner("ofx", "install", "--folder", str(folder)).out
    said = runner("ofx", "uninstall", "--folder", str(folder), "--json")
    assert said.code == 0 and len(said.json["removed"]) == len(CONTENT)
    assert not folder.exists()  # it was made for this
    assert "no Answerprint plugin" in runner("ofx", "uninstall", "--folder", str(folder)).out


def test_the_folder_of_the_system_needs_no_variable(runner: CliRunner, built: Path, tmp_path: Path) -> None:
    said = runner("ofx", "install")
    assert said.code == 0 and "OFX_PLUGIN_PATH" not in said.out
    assert content(tmp_path / "system") == CONTENT
    assert runner("ofx", "status").out.startswith("ok ")
    assert runner("ofx", "uninstall").code == 0


def test_a_newer_plugin_replaces_an_older_one(runner: CliRunner, folder: Path, built: Path) -> None:
    runner("ofx", "install", "--folder", str(folder))
    (built / BUNDLE / LIBRARY).write_bytes(b"newer code")
    (built / BUNDLE / "Contents/Resources/a.png").unlink()
    assert runner("ofx", "install", "--folder", str(folder)).code == 0
    assert content(folder) == {str(LIBRARY): b"newer code", "Contents/Info.plist": b"information"}


def test_what_is_not_ours_is_left(runner: CliRunner, folder: Path) -> None:
    runner("ofx", "install", "--folder", str(folder))
    other = folder / "Other.ofx.bundle" / "Contents"
    other.mkdir(parents=True)
    notes = folder / BUNDLE / "Contents" / "notes.txt"
    notes.write_text("mine")
    changed = folder / BUNDLE / "Contents/Info.plist"
    changed.write_text("edited")
    said = runner("ofx", "install", "--folder", str(folder))
    assert said.code == 4 and str(changed) in said.err and "--force" in said.err
    assert changed.read_text() == "edited"
    said = runner("ofx", "uninstall", "--folder", str(folder))
    assert said.code == 0 and str(changed) in said.err
    assert content(folder) == {"Contents/Info.plist": b"edited", "Contents/notes.txt": b"mine"}
    assert other.is_dir()


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
@pytest.mark.parametrize("action", ["install", "uninstall"])
def test_no_link_is_followed(runner: CliRunner, folder: Path, tmp_path: Path, action: str) -> None:
    runner("ofx", "install", "--folder", str(tmp_path / "real"))
    folder.mkdir()
    (folder / BUNDLE).symlink_to(tmp_path / "real" / BUNDLE)
    said = runner("ofx", action, "--folder", str(folder))
    assert said.code == 2 and "Move it away" in said.err
    assert content(tmp_path / "real") == CONTENT


def test_a_folder_that_may_not_be_written_to(runner: CliRunner, built: Path, tmp_path: Path) -> None:
    (tmp_path / "system").write_text("a file")  # stands for missing rights, which an administrator always has
    said = runner("ofx", "install")
    assert said.code == 2 and "--folder" in said.err
    assert "Traceback" not in said.err


def test_without_a_plugin_it_says_how_to_build_one(
    runner: CliRunner, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner("ofx", "install", "--folder", str(folder))
    monkeypatch.setattr(plugin_folders, "BUILT", tmp_path / "nothing")
    said = runner("ofx", "install", "--folder", str(folder))
    assert said.code == 2 and "make ofx" in said.err
    assert runner("ofx", "uninstall", "--folder", str(folder)).code == 0
    assert not folder.exists()


def test_the_doctor_finds_what_hosts_would_find(
    runner: CliRunner, folder: Path, built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def said() -> tuple[bool, str]:
        (check,) = plugin_checks()
        return check.ok, f"{check.text} {check.remedy}"

    assert said() == (True, "not installed; answerprint ofx install puts it where hosts look ")
    runner("ofx", "install", "--folder", str(folder))
    assert "not installed" in said()[1]  # no host looks there
    monkeypatch.setenv("OFX_PLUGIN_PATH", os.pathsep.join(["", str(folder)]))
    ok, words = said()
    assert ok and "up to date" in words
    (built / BUNDLE / LIBRARY).write_bytes(b"newer code")
    ok, words = said()
    assert not ok and "another version" in words and f"--folder {folder}" in words
    (folder / BUNDLE / LIBRARY).unlink()
    ok, words = said()
    assert not ok and "--force" in words
    runner("ofx", "install", "--folder", str(folder), "--force")
    assert said()[0]
    (folder / PLACE_OF_MANIFEST).unlink()
    ok, words = said()
    assert not ok and "Move it away" in words
    status = runner("ofx", "status", "--json")
    assert status.code == 4 and status.json["folders"]["foreign"] == [str(folder)]


def test_where_systems_look() -> None:
    assert system_folder({}, "linux") == Path("/usr/OFX/Plugins")
    assert system_folder({}, "darwin") == Path("/Library/OFX/Plugins")
    assert system_folder({"CommonProgramFiles": "X:/Common"}, "win32") == Path("X:/Common/OFX/Plugins")
    assert "ofx" in COMMANDS
