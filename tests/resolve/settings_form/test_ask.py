"""Asked in the best way there is; where there is none, The last settings stay, and that is said."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from answerprint.resolve.bridge.bridge import Bridge
from answerprint.resolve.errors import NoResolveError
from answerprint.resolve.restore.settings import RestoreSettings
from answerprint.resolve.settings_form.ask import ask_settings
from answerprint.resolve.settings_form.form import Answers, CannotAskError, Form
from answerprint.resolve.settings_form.show import FormDialog, PromptDialog, ResolveDialog, WindowDialog, choose_dialogs
from resolve.settings_form.offers import METHOD, MODELS

LAST = RestoreSettings(put="track", handles=7, settings={"model": "tiny-x4", "steps": 3})


class Person:
    """Answers in turn, and the forms that were seen; an error in place of answers is raised."""

    def __init__(self, *answers: Answers | Exception | None) -> None:
        self.answers, self.forms = list(answers), list[Form]()

    def ask(self, form: Form) -> Answers | None:
        """Answer."""
        self.forms.append(form)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def settings(*ways: FormDialog) -> tuple[RestoreSettings | None, list[str]]:
    """What comes of asking, and what is said."""
    said: list[str] = []
    return ask_settings(MODELS, METHOD, LAST, ways, said.append), said


def test_the_first_way_that_works_is_the_only_one() -> None:
    first, second, third = Person(CannotAskError("no display")), Person({"handles": 12}), Person()
    wishes, said = settings(first, second, third)
    assert wishes is not None
    assert (wishes.put, wishes.handles, wishes.settings["steps"]) == ("track", 12, 3)
    assert said == []


def test_answers_that_cannot_be_meant_are_asked_for_again_with_the_reason() -> None:
    person = Person(
        {"strength": "much", "handles": 12}, {"task": "face", "handles": "12"}, {"task": "sr", "handles": 13}
    )
    wishes, _ = settings(person)
    assert wishes is not None
    assert wishes.handles == 13
    problems = [form.problem for form in person.forms]
    assert problems[0] == ""
    assert problems[1].startswith("Strength cannot be 'much'.")
    assert problems[2].startswith("Task cannot be 'face' with the model tiny-x4.")
    kept = {field.name: field.default for field in person.forms[2].fields}
    assert kept["handles"] == 12


def test_whoever_cancels_is_not_asked_in_another_way() -> None:
    wishes, said = settings(Person(None), Person())
    assert wishes is None
    assert said == []


def test_where_nobody_can_be_asked_the_last_settings_hold_and_that_is_said() -> None:
    for ways in ((), (Person(CannotAskError("no display")),)):
        wishes, said = settings(*ways)
        assert wishes == LAST
        assert len(said) == 1
        for word in ("The last settings stay", "tiny-x4", "track", "7 frames", "Restored, next to the source"):
            assert word in said[0]


def test_a_resolve_that_went_away_is_no_answer() -> None:
    with pytest.raises(NoResolveError):
        settings(Person(NoResolveError("Lost the connection to Resolve.")), Person())


@contextmanager
def bridge() -> Iterator[Bridge]:
    """A bridge that nobody is at the other end of."""
    yield Bridge(io.BytesIO(), io.BytesIO())


class Terminal(io.StringIO):
    """A stream that a person is at."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("windows", "environ", "person", "kinds"),
    [
        (True, {"DISPLAY": ":0"}, True, [ResolveDialog, WindowDialog, PromptDialog]),
        (False, {"DISPLAY": ":0"}, False, [WindowDialog]),
        (False, {}, True, [PromptDialog]),
        (True, {}, False, [ResolveDialog]),
        (False, {}, False, []),
    ],
)
def test_ways_are_those_that_there_are_and_resolve_s_own_only_where_it_is_allowed(
    windows: bool, environ: Mapping[str, str], person: bool, kinds: list[type]
) -> None:
    streams = (Terminal(), Terminal() if person else io.StringIO())
    with bridge() as inside:
        ways = choose_dialogs(environ, bridge=inside, windows=windows, terminal=streams, platform="linux")
        assert [type(each) for each in ways] == kinds
        assert inside.calls == 0


def test_without_a_menu_script_there_is_no_dialog_in_resolve() -> None:
    assert choose_dialogs({}, windows=True, platform="linux") == ()


def test_what_shows_forms_does_not_load_a_toolkit() -> None:
    code = "import sys, answerprint.resolve.settings_form.ask; assert not {'tkinter', 'torch', 'av'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ)
