"""The page of settings says what the program reads: every setting, variable and folder, with its default."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from answerprint import home
from answerprint.errors import InputError
from answerprint.scheduler.config import Config, load_config
from answerprint.weights.settings import ModelSettings, load_model_settings
from pages.reading import ROOT, inline_code, section, table

PAGE = ROOT / "docs" / "configuration.md"
_VARIABLE = re.compile(r"\bANSWERPRINT_[A-Z][A-Z_]*")
_TYPES = {"tuple[Path, ...]": "folder list", "bool": "switch", "str": "text", "int": "number"}


def settings(heading: str) -> dict[str, dict[str, str]]:
    """The rows below a heading, by the setting that each is about."""
    rows = table(section(PAGE, heading), "setting")
    return {row["setting"].strip("`"): row for row in rows}


def kind(name: str, annotation: str) -> str:
    """How the page calls the type of a setting."""
    return "duration" if name.endswith("_seconds") else "size" if name.endswith("_bytes") else _TYPES[annotation]


DAEMON = settings("## Settings of the daemon")
MODELS = settings("## Settings of the models")


def test_every_setting_is_on_the_page_with_its_type() -> None:
    assert {name: row["type"] for name, row in DAEMON.items()} == {
        field.name: kind(field.name, str(field.type)) for field in fields(Config)
    }
    assert {name: row["type"] for name, row in MODELS.items()} == {
        field.name: kind(field.name, str(field.type)) for field in fields(ModelSettings)
    }


def test_a_file_of_all_defaults_on_the_page_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    lines = [f"{name} = {row['default'].strip('`')}" for name, row in DAEMON.items()]
    lines += ["[models]", *(f"{name} = {row['default'].strip('`')}" for name, row in MODELS.items())]
    file.write_text("\n".join(lines), "utf-8")
    assert load_config(file, {}) == Config()
    assert load_model_settings(file, {}) == ModelSettings()


def test_the_example_is_read(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(section(PAGE, "## How settings are read").split("```toml\n")[1].split("```")[0], "utf-8")
    assert load_config(file, {}) != Config()
    assert load_model_settings(file, {}) != ModelSettings()


@pytest.mark.parametrize("name", [name for name, row in DAEMON.items() if row["type"] != "text"])
def test_the_page_says_which_settings_cannot_be_0(name: str) -> None:
    needs_more = "above 0" in DAEMON[name]["what it does"] or "1 or more" in DAEMON[name]["what it does"]
    zero: dict[str, Any] = {name: 0}
    if needs_more:
        with pytest.raises(InputError):
            Config(**zero)
    else:
        Config(**zero)


def test_every_variable_of_the_program_is_on_the_page_and_no_other() -> None:
    read = {f"ANSWERPRINT_{field.name.upper()}" for each in (Config, ModelSettings) for field in fields(each)}
    for folder in ("daemon", "resolve_scripts", "installer", "tests"):
        for file in (ROOT / folder).rglob("*"):
            if file.suffix in (".py", ".lua", ".spec") and not file.is_relative_to(Path(__file__).parent):
                read |= set(_VARIABLE.findall(file.read_text("utf-8")))
    read |= set(_VARIABLE.findall((ROOT / "Makefile").read_text("utf-8")))

    told = {
        name.strip("`") for row in table(section(PAGE, "## Environment variables"), "variable") for name in row.values()
    }
    told = {name for name in told if _VARIABLE.fullmatch(name)}
    told |= {f"ANSWERPRINT_{name.upper()}" for name in DAEMON}
    told |= {_VARIABLE.findall(row["variable"])[0] for row in MODELS.values()}
    assert told == read
    assert {name for code in inline_code(PAGE) for name in _VARIABLE.findall(code)} <= read


def test_every_variable_of_the_models_is_named_after_its_setting() -> None:
    assert [name for name, row in MODELS.items() if f"`ANSWERPRINT_{name.upper()}`" not in row["variable"]] == []


def test_every_folder_is_on_the_page_and_no_other(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ANSWERPRINT_HOME", str(tmp_path))
    rows = table(section(PAGE, "## Folders"), "path in the home")
    told = {Path(name) for row in rows for name in re.findall(r"`([^`]+)`", row["path in the home"])}
    kept = {getattr(home, name)().relative_to(tmp_path) for name in home.__all__ if name not in ("home", "own_folders")}
    assert kept <= told
    assert {path.parts[0] for path in told} == {path.parts[0] for path in kept} | {"id"}
    own = {path.relative_to(tmp_path).parts[0] for path in home.own_folders()}
    assert own == {path.parts[0] for path in told} - {"id", "config.toml"}
