"""Shelves, settings and removal."""

from __future__ import annotations

from pathlib import Path

import pytest

from answerprint.backends.catalogue import entries, find_model
from answerprint.errors import InputError, ModelError
from answerprint.weights.library import remove
from answerprint.weights.manifest import Manifest
from answerprint.weights.settings import ModelSettings, load_model_settings
from answerprint.weights.write_manifest import write_manifest
from weights.place import tensors


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ANSWERPRINT_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("ANSWERPRINT_SHELVES", raising=False)
    (tmp_path / "home" / "models").mkdir(parents=True)
    return tmp_path / "home"


def put(folder: Path, licence: str = "MIT") -> Path:
    folder.mkdir(parents=True)
    (folder / "w.safetensors").write_bytes(tensors())
    write_manifest(folder, Manifest(folder.name, "ldm_sr", "1", licence, "s", 4, ()))
    return folder


def test_shared_shelf_is_searched_after_the_users_own_and_never_written(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = tmp_path / "studio"
    put(shelf / "theirs")
    put(shelf / "both", "Apache-2.0")
    put(home / "models" / "both")
    before = sorted(str(path) for path in shelf.rglob("*"))
    monkeypatch.setenv("ANSWERPRINT_SHELVES", f"{tmp_path / 'not mounted'}:{shelf}")
    states = {entry.name: entry.state for entry in entries()}
    assert (states["theirs"], states["both"], states["tiny-x4"]) == ("shared", "ready", "ready")
    assert find_model("theirs").folder == shelf / "theirs"
    assert find_model("both").licence == "MIT"
    with pytest.raises(ModelError, match="shared folder"):
        remove("theirs")
    assert remove("both") > 0
    assert find_model("both").licence == "Apache-2.0"
    assert sorted(str(path) for path in shelf.rglob("*")) == before


def test_what_has_come_of_a_model_is_told_in_its_state_and_goes_with_it(home: Path) -> None:
    part = home / "models" / ".partial" / "diffbir-v2" / "base.safetensors.part"
    part.parent.mkdir(parents=True)
    with part.open("wb") as file:
        file.truncate(2 * 1_000_000_000)
    entry = next(each for each in entries() if each.name == "diffbir-v2")
    assert entry.state == "partial 28 %"
    remove("diffbir-v2")
    assert next(each for each in entries() if each.name == "diffbir-v2").state == "not here"


def test_embedded_and_absent_models_are_not_removed(home: Path) -> None:
    with pytest.raises(ModelError, match="part of Answerprint"):
        remove("tiny-x4")
    for name in ("ldm-sr-x4", "nothing", "../models"):
        with pytest.raises(ModelError):
            remove(name)


def test_link_to_a_folder_elsewhere_is_not_followed_when_it_is_removed(home: Path, tmp_path: Path) -> None:
    elsewhere = put(tmp_path / "linked")
    (home / "models" / "linked").symlink_to(elsewhere)
    with pytest.raises(ModelError):
        remove("linked")
    assert (elsewhere / "w.safetensors").exists()


def test_settings_come_from_the_table_and_variables_over_it(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    assert load_model_settings(path, {}) == ModelSettings()
    path.write_text('[models]\nshelves = ["/a", "/b"]\nmirror = "https://m"\noffline = true\n')
    assert load_model_settings(path, {}) == ModelSettings((Path("/a"), Path("/b")), "https://m", "", True)
    given = {"ANSWERPRINT_OFFLINE": "0", "ANSWERPRINT_SHELVES": "/c", "ANSWERPRINT_PROXY": "http://p:1"}
    assert load_model_settings(path, given) == ModelSettings((Path("/c"),), "https://m", "http://p:1", False)


@pytest.mark.parametrize(
    "text", ["[models]\nshelf = 1", "[models]\noffline = 1", '[models]\nshelves = ["a"]', "models = 1", "[models",
             "[models]\nshelves = [1]"],
)  # fmt: skip
def test_setting_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text)
    with pytest.raises(InputError):
        load_model_settings(path, {})
