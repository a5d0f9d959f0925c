"""The menu item Restore Settings: asked in Resolve, kept for the project, and meant by what is restored next."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from answerprint.resolve.restore.settings import RestoreSettings
from answerprint.resolve.settings_form.build import form_for
from fakes.resolve import FakeResolve
from resolve.conftest import MakeFake
from resolve.settings_form.offers import DEFAULT, METHOD, TINY
from resolve.settings_form.terminal import talk
from resolve.workstation import Workstation


@pytest.fixture
def workstation(tmp_path: Path, fake: FakeResolve) -> Iterator[Workstation]:
    made = Workstation(tmp_path, fake)
    yield made
    made.close()


def test_what_is_chosen_in_resolve_s_own_window_is_how_the_next_clip_is_restored(workstation: Workstation) -> None:
    workstation.timeline.select(workstation.item)
    scripts, folder = workstation.install(), workstation.folder / "elsewhere"
    before = workstation.fake.state()
    workstation.fake.answer_windows(
        [("pick", "Put back", "Onto a new video track above"), ("enter", "Strength", "much"), ("press", "OK")],
        [("enter", "Strength", "0.5"), ("enter", "Steps", "1"), ("press", "Advanced...")],
        [
            ("enter", "Seed", "7"),
            ("pick", "Damaged frames", "hold"),
            ("enter", "Report", True),
            ("enter", "Sound", False),
            ("press", "Back"),
        ],
        [("enter", "Handles (frames)", 3), ("enter", "Folder", str(folder)), ("press", "OK")],
    )
    said = workstation.script(scripts / "Restore Settings.py")
    assert "Settings saved for this project:" in said
    assert f"put back: track, handles: 3 frames, folder: {folder}." in said
    assert workstation.fake.state() == before
    said = workstation.script(scripts / "Restore Selected Clips.py")
    assert "frames 20 to 31 with 3 before and 3 after, onto a new video track above" in said
    (job,) = workstation.run("jobs", "show", "1")
    assert (job["request"]["strength"], job["request"]["steps"], job["request"]["seed"]) == (0.5, 1, 7)
    assert Path(job["output"]).is_relative_to(folder)
    assert (job["request"]["damaged"], job["request"]["sidecar"]) == ("hold", True)
    assert job["request"]["interpret"]["sound"] == "no"


def test_a_window_that_is_closed_changes_nothing(workstation: Workstation) -> None:
    scripts = workstation.install()
    workstation.fake.answer_windows([("enter", "Handles (frames)", 40), ("close",)])
    assert "Cancelled. The settings are unchanged." in workstation.script(scripts / "Restore Settings.py")
    workstation.fake.answer_windows()
    assert "handles: 2 frames" in workstation.script(scripts / "Restore Settings.py")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
def test_what_is_typed_in_a_terminal_is_what_the_menu_restores_with(workstation: Workstation) -> None:
    kept = RestoreSettings(handles=2, settings={"steps": 1})
    typed = {"put": "take", "handles": "3"}
    talking = [
        (f"[{each.shown(each.default) or each.empty}]: ", typed.get(each.name, "") + "\n")
        for each in form_for([DEFAULT, TINY], METHOD, kept, "Film").group("common")
    ]
    with workstation.fake.serving() as variables:
        environ = {
            **variables,
            "ANSWERPRINT_HOME": str(workstation.home),
            "HOME": str(workstation.folder),
            "DISPLAY": "",
        }
        program = (
            f"import os, sys\nos.environ.update({environ!r})\n"
            "from answerprint.cli.main import main\nsys.exit(main(['resolve', 'settings']))"
        )
        screen = talk(program, [*talking, ("Advanced settings [off]: ", "\n")]).screen
    assert "put back: take, handles: 3 frames" in screen
    workstation.timeline.select(workstation.item)
    said = workstation.script(workstation.install() / "Restore Selected Clips.py")
    assert "frames 20 to 31 with 3 before and 3 after, as another take of the clip" in said


def test_settings_are_those_of_one_project(workstation: Workstation) -> None:
    scripts = workstation.install()
    workstation.fake.open_project("Another film")
    workstation.fake.answer_windows([("enter", "Handles (frames)", 40), ("press", "OK")])
    assert "handles: 40 frames" in workstation.script(scripts / "Restore Settings.py")


def test_the_free_edition_is_never_asked_for_a_window_that_it_answers_with_a_dialog(
    tmp_path: Path, make_fake: MakeFake
) -> None:
    workstation = Workstation(tmp_path, make_fake("free", (20, 3)))
    try:
        said = workstation.script(workstation.install() / "Restore Settings.py")
    finally:
        workstation.close()
    assert "The last settings stay" in said
    assert "a Python 3 with tkinter" in said
    assert not workstation.fake.dialog
