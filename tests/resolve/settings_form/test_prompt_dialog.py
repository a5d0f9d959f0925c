"""Questions on a terminal, through a real one: Enter keeps, ? explains, what cannot be meant is asked again."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from resolve.settings_form.offers import form
from resolve.settings_form.terminal import CTRL_C, CTRL_D, Said, talk

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")

_PROGRAM = """
import json, os, sys
from answerprint.resolve.settings_form.form import Form
from answerprint.resolve.settings_form.show import PromptDialog
answers = PromptDialog(sys.stdin, sys.stderr).ask(Form.from_json(json.loads({form!r})))
os.write(3, json.dumps(answers).encode())
"""
_COMMON = [f"{each.label}{f' ({each.unit})' if each.unit else ''}" for each in form().group("common")]


def asked(answers: dict[str, str], problem: str = "") -> list[tuple[str, str]]:
    """A prompt for each common question, with what is typed at it; Enter at all others."""
    fields = form().again({}, problem).group("common")
    return [(f"[{each.shown(each.default) or each.empty}]: ", answers.get(each.name, "") + "\n") for each in fields] + [
        ("Advanced settings [off]: ", answers.get("more", "") + "\n")
    ]


def ask(talking: list[tuple[str, str]], problem: str = "") -> tuple[Any, Said]:
    """Fill in the form so."""
    text = json.dumps(form().again({}, problem).to_json())
    said = talk(_PROGRAM.format(form=text), talking)
    return json.loads(said.result), said


def test_enter_keeps_everything() -> None:
    answers, said = ask(asked({}))
    assert form().read(answers) == form().read({})
    assert "Reel 7" in said.screen
    positions = [said.screen.index(f"{label} [") for label in _COMMON]
    assert positions == sorted(positions)


def test_what_is_typed_is_taken_choices_by_name_or_number_too() -> None:
    answers, _ = ask(asked({"model": "2", "put": "take", "strength": "0,5", "steps": "12", "disable": "yes"}))
    values = form().read(answers)
    assert (values["model"], values["put"], values["disable"]) == ("faces", "take", True)
    assert (values["strength"], values["steps"]) == (0.5, 12)


def test_what_cannot_be_meant_is_asked_again_and_a_question_mark_explains() -> None:
    talking = asked({"strength": "much"})
    at = next(number for number, (_, typed) in enumerate(talking) if typed == "much\n")
    talking[at + 1 : at + 1] = [("[1]: ", "?\n"), ("[1]: ", "0.25\n")]
    answers, said = ask(talking)
    assert answers["strength"] == 0.25
    assert "Strength cannot be 'much'. Give a number from 0 to 1." in said.screen
    assert "Blend of the restored picture" in said.screen


def test_advanced_settings_are_asked_for_only_when_wanted() -> None:
    typed = {"option.chunk": "4", "option.warp": "off"}
    advanced = [
        (f"[{each.shown(each.default) or each.empty}]: ", typed.get(each.name, "") + "\n")
        for each in form().group("advanced")
    ]
    answers, _ = ask(asked({"more": "on"}) + advanced)
    values = form().read(answers)
    assert (values["option.chunk"], values["option.warp"]) == (4, False)


def test_a_dash_empties_what_was_chosen_the_last_time() -> None:
    text = json.dumps(form().again({"steps": 9}, "").to_json())
    talking = [(prompt.replace("[the model's own]", "[9]"), typed) for prompt, typed in asked({"steps": "-"})]
    assert json.loads(talk(_PROGRAM.format(form=text), talking).result)["steps"] is None


@pytest.mark.parametrize("key", [CTRL_C, CTRL_D])
def test_control_c_and_control_d_cancel(key: str) -> None:
    answers, said = ask([*asked({"strength": "0.5"})[:5], ("]: ", key)])
    assert answers is None
    assert "Cancelled." in said.screen
    assert "Traceback" not in said.screen


def test_the_problem_with_earlier_answers_comes_first() -> None:
    _, said = ask(asked({}), problem="Task cannot be 'sr' with the model faces.")
    assert said.screen.index("Task cannot be") < said.screen.index("Model [")
