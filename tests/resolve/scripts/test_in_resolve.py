"""Installed scripts before a Resolve that behaves as one does."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from answerprint.resolve.install.install import install_scripts
from answerprint.resolve.install.scripts import MENU, MenuScript, Program, files
from fakes.resolve import FakeResolve
from resolve.scripts.menu_runner import MenuRunner


@pytest.mark.parametrize("entry", MENU, ids=lambda entry: entry.action)
@pytest.mark.parametrize("edition", ["studio", "free"])
def test_every_item_of_the_menu_reaches_resolve(
    tmp_path: Path, edition: Literal["studio", "free"], entry: MenuScript
) -> None:
    runner = MenuRunner(tmp_path)
    program = Program(runner.command("good"), str(runner.folder), str(runner.home / "ours"), "1")
    root = runner.home / "Scripts"
    install_scripts(root, files(program), program)
    fake = FakeResolve(edition=edition, version=(21, 0, 4))
    with fake.serving():
        said = fake.run_script(root / entry.path, environ={"HOME": str(runner.home)})
    name = "DaVinci Resolve Studio" if edition == "studio" else "DaVinci Resolve"
    assert said.output.splitlines() == [f"{name}: resolve menu {entry.action}", "It is queued."]
    assert said.code == 0
    assert fake.calls == ["Resolve.GetProductName"]
    assert fake.violations == []
