"""What goes into a bundle beside modules."""

from __future__ import annotations

import importlib
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from answerprint.backends.catalogue import at_hand, find_model
from answerprint.weights.published_models import known_models
from installer.bundle import ROOT


def test_models_of_packages_are_made_of_what_a_bundle_takes_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bundle has no such package, but its files, each where the package would have it."""
    monkeypatch.syspath_prepend(str(ROOT / "installer"))
    contents: Any = importlib.import_module("contents")
    for source, folder in contents.package_files(ROOT / "daemon" / "answerprint" / "weights" / "published"):
        (tmp_path / "bundle" / folder).mkdir(parents=True, exist_ok=True)
        shutil.copy(source, tmp_path / "bundle" / folder)
    monkeypatch.setattr(sys, "_MEIPASS", str(tmp_path / "bundle"), raising=False)
    monkeypatch.setenv("ANSWERPRINT_HOME", str(tmp_path / "home"))
    packaged = [name for name, model in known_models().items() if model.package is not None]
    assert packaged
    for name in packaged:
        assert find_model(name).package
        assert at_hand(name).folder == tmp_path / "home" / "models" / name
