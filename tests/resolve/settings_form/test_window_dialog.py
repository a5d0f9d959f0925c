"""The window, opened for real: what is done in it arrives, and no way in which it can break starts anything."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from answerprint.resolve.settings_form.form import Answers, CannotAskError, Form
from answerprint.resolve.settings_form.show import WindowDialog, has_display, pythons, window_file
from resolve.settings_form.display import display
from resolve.settings_form.offers import form

__all__ = ["display"]
_DRIVER = Path(__file__).with_name("driver.py")


def ask(display: str, *steps: list[Any], shown: Form | None = None, python: str = sys.executable) -> Answers | None:
    """Show the form to somebody who does these things."""
    environ = {**os.environ, "DISPLAY": display, "STEPS": json.dumps(steps), "WINDOW": str(window_file())}
    return WindowDialog([python], environ, program=_DRIVER, show_seconds=120).ask(shown or form())


def test_a_window_that_is_accepted_as_it_is_gives_the_defaults(display: str) -> None:
    answers = ask(display, ["press", "ok"])
    assert answers is not None
    assert set(answers) == {each.name for each in form().fields}
    assert form().read(answers) == form().read({})


def test_what_is_chosen_typed_and_ticked_arrives(display: str) -> None:
    answers = ask(
        display,
        ["type", "strength", "0.5"],
        ["type", "steps", "12"],
        ["type", "folder", "/films/out"],
        ["scroll", "model", 1],
        ["scroll", "put", 2],
        ["toggle", "disable"],
        ["page", 1],
        ["type", "option.warp_strength", "0.75"],
        ["toggle", "option.merge"],
        ["scroll", "option.sampler", 2],
        ["press", "ok"],
    )
    values = form().read(answers or {})
    assert (values["strength"], values["steps"], values["folder"]) == (0.5, 12, "/films/out")
    assert (values["model"], values["put"], values["disable"]) == ("faces", "take", True)
    assert (values["option.warp_strength"], values["option.merge"]) == (0.75, False)
    assert values["option.sampler"] == form().read({"option.sampler": "ddpm"})["option.sampler"]


@pytest.mark.parametrize("step", [["press", "cancel"], ["key", "Escape"], ["close"]])
def test_a_window_that_is_left_is_cancelled(display: str, step: list[Any]) -> None:
    assert ask(display, ["type", "strength", "0.5"], step) is None


def test_return_accepts(display: str) -> None:
    answers = ask(display, ["type", "strength", "0.5"], ["key", "Return"])
    assert form().read(answers or {})["strength"] == 0.5


def test_earlier_answers_come_back_with_the_problem(display: str) -> None:
    again = form().again({"strength": "0.125", "handles": 3}, "Steps cannot be 'many'.")
    values = form().read(ask(display, ["press", "ok"], shown=again) or {})
    assert (values["strength"], values["handles"]) == (0.125, 3)


def test_a_window_that_breaks_while_it_is_open_is_cancelled_and_the_next_one_works(display: str) -> None:
    assert ask(display, ["crash"]) is None
    assert ask(display, ["press", "ok"]) is not None


def test_a_window_without_its_asker_closes(display: str) -> None:
    environ = {**os.environ, "DISPLAY": display}
    process = subprocess.Popen(
        [sys.executable, "-I", str(window_file())], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(form().to_json()).encode() + b"\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline()) == {"shown": True}
        process.stdin.close()
        assert json.loads(process.stdout.readline()) == {"answers": None}
        assert process.wait(10) == 0


def test_where_there_is_no_display_that_is_said() -> None:
    with pytest.raises(CannotAskError, match=r"No window could be opened.*display"):
        ask(":4321", ["press", "ok"])


def test_the_next_python_is_tried_where_one_has_no_toolkit(display: str, tmp_path: Path) -> None:
    bare, silent = tmp_path / "bare", tmp_path / "silent"
    bare.write_text('#!/bin/sh\nread form\necho \'{"unable": "no tkinter"}\'\n')
    silent.write_text("#!/bin/sh\nexit 1\n")
    for each in (bare, silent):
        each.chmod(0o755)
    broken = [str(tmp_path / "nowhere"), str(bare), str(silent)]
    environ = {**os.environ, "DISPLAY": display, "STEPS": '[["press", "ok"]]', "WINDOW": str(window_file())}
    with pytest.raises(CannotAskError, match=r"nowhere: No such file.*bare: no tkinter.*silent: it ends at once"):
        WindowDialog(broken, environ, program=_DRIVER).ask(form())
    assert WindowDialog([*broken, sys.executable], environ, program=_DRIVER).ask(form()) is not None


def test_a_python_that_does_not_come_up_is_ended(tmp_path: Path) -> None:
    slow = tmp_path / "slow"
    slow.write_text("#!/bin/sh\nexec cat\n")
    slow.chmod(0o755)
    began = time.monotonic()
    # What it says is no window's first line, or nothing at all.
    with pytest.raises(CannotAskError):
        WindowDialog([str(slow)], os.environ, show_seconds=0.3).ask(form())
    silent = tmp_path / "silent"
    silent.write_text("#!/bin/sh\nexec cat >/dev/null\n")
    silent.chmod(0o755)
    with pytest.raises(CannotAskError, match="did not start"):
        WindowDialog([str(silent)], os.environ, show_seconds=0.3).ask(form())
    assert time.monotonic() - began < 20


def test_a_window_is_only_tried_where_the_person_would_see_it() -> None:
    assert has_display({"DISPLAY": ":0"}, "linux")
    assert not has_display({}, "linux")
    assert has_display({}, "darwin")
    assert has_display({}, "win32")
    assert not has_display({"SSH_CONNECTION": "10.0.0.1 1 10.0.0.2 22"}, "darwin")


def test_our_own_python_is_the_first_that_is_tried(tmp_path: Path) -> None:
    other = tmp_path / "python3"
    other.symlink_to(sys.executable)
    assert pythons({"PATH": str(tmp_path)}) == (sys.executable, str(other))
    assert pythons({"PATH": ""})[0] == sys.executable
