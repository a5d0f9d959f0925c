"""The dialog in Resolve: what a person does in it arrives, and where it cannot be shown that is said."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from answerprint.resolve.bridge.bridge import Bridge
from answerprint.resolve.errors import HangingError, NoResolveError
from answerprint.resolve.settings_form.form import CannotAskError
from answerprint.resolve.settings_form.show import ResolveDialog
from fakes.resolve.toolkit import Fusion, Module, Person, Window
from resolve.settings_form.offers import form
from resolve_scripts import answerprint_form
from resolve_scripts.answerprint_bridge import serve

show: Callable[..., dict[str, Any] | None] = answerprint_form.ask


def more(window: Window) -> None:
    window.press("Advanced...")


def accept(window: Window) -> None:
    window.press("OK")


def ask(*people: Person, fusion: Fusion | None = None) -> tuple[dict[str, Any] | None, list[Window]]:
    """Show the form of what is offered to people, one for each window that opens."""
    module = Module(*people)
    answers = show(fusion or Fusion(), module, form().to_json())
    assert not module.people, "windows that did not open"
    assert not any(each.shown for each in module.windows)
    return answers, module.windows


def test_a_dialog_that_is_accepted_as_it_is_gives_the_defaults() -> None:
    answers, _ = ask(accept)
    assert form().read(answers or {}) == form().read({})
    assert set(answers or {}) == {each.name for each in form().fields}


def test_what_is_chosen_and_typed_arrives() -> None:
    def person(window: Window) -> None:
        window.pick("Model", "faces")
        window.pick("Put back", "Onto a new video track above")
        window.field("Strength").Text = "0,5"
        window.field("Handles (frames)").Value = 48
        window.field("Hide the original").Checked = True
        window.press("OK")

    answers, _ = ask(person)
    values = form().read(answers or {})
    assert (values["model"], values["put"], values["strength"]) == ("faces", "track", 0.5)
    assert (values["handles"], values["disable"], values["steps"]) == (48, True, None)


def test_advanced_settings_are_on_a_page_of_their_own_and_nothing_typed_is_lost() -> None:
    def first(window: Window) -> None:
        window.field("Strength").Text = "0.25"
        window.press("Advanced...")

    def second(window: Window) -> None:
        window.field("Warp strength").Text = "0.75"
        window.pick("Sampler", "ddpm")
        window.field("Seed").Text = str(2**62)
        window.press("Back")

    def third(window: Window) -> None:
        assert window.field("Strength").Text == "0.25"
        window.press("OK")

    answers, windows = ask(first, second, third)
    values = form().read(answers or {})
    assert (values["strength"], values["option.warp_strength"]) == (0.25, 0.75)
    assert (values["option.sampler"], values["seed"]) == ("ddpm", 2**62)
    assert all(window.properties["Geometry"][3] <= 720 for window in windows)


def test_a_page_that_is_closed_changes_nothing() -> None:
    def typing(window: Window) -> None:
        window.field("Warp strength").Text = "0.75"
        window.close()

    answers, _ = ask(more, typing, accept)
    assert form().read(answers or {}) == form().read({})


@pytest.mark.parametrize("leave", [Window.close, lambda window: window.press("Cancel")])
def test_a_dialog_that_is_closed_is_cancelled(leave: Person) -> None:
    assert ask(leave)[0] is None
    assert ask(more, Window.close, leave)[0] is None


def test_a_folder_is_browsed_for_and_stays_when_that_is_cancelled() -> None:
    def person(window: Window) -> None:
        window.press("Browse...", beside="Folder")
        window.press("OK")

    assert (ask(person, fusion=Fusion(folder="/films/out"))[0] or {})["folder"] == "/films/out"
    assert (ask(person, fusion=Fusion(folder=None))[0] or {})["folder"] == ""


def test_the_problem_with_earlier_answers_is_shown_with_them() -> None:
    seen: list[list[str]] = []

    def person(window: Window) -> None:
        seen.append(window.texts())
        assert window.field("Handles (frames)").Value == 7
        window.press("OK")

    again = form().again({"handles": 7}, "Strength cannot be 'much'.")
    assert show(Fusion(), Module(person), again.to_json())
    assert "Strength cannot be 'much'." in seen[0]


def test_every_field_has_a_widget_and_its_help() -> None:
    labels: list[str] = []

    def look(leave: str) -> Person:
        def person(window: Window) -> None:
            labels.extend(window.texts())
            assert all(each.ToolTip for each in window.GetItems().values() if each.ID.removeprefix("field").isdigit())
            window.press(leave)

        return person

    ask(look("Advanced..."), look("Back"), accept)
    for each in form().fields:
        assert f"{each.label} ({each.unit})" in labels or each.label in labels


@contextmanager
def serving(ask: Callable[[dict[str, Any]], object] | None) -> Iterator[Bridge]:
    """A bridge to a menu script that shows forms so."""
    requests, answers = os.pipe(), os.pipe()
    # The side that writes is closed first: a reader holds on to its own side.
    with (
        os.fdopen(answers[0], "rb") as answer_in,
        os.fdopen(requests[0], "rb") as request_in,
        os.fdopen(answers[1], "wb") as answer_out,
    ):
        script = threading.Thread(target=serve, args=(object(), request_in, answer_out), kwargs={"ask": ask})
        with os.fdopen(requests[1], "wb") as request_out:
            script.start()
            bridge = Bridge(answer_in, request_out)
            bridge.hello()
            yield bridge
        script.join(10)


def test_answers_come_through_the_bridge() -> None:
    def person(window: Window) -> None:
        window.field("Strength").Text = "0.5"
        window.press("OK")

    module = Module(person, Window.close)
    with serving(lambda shown: show(Fusion(), module, shown)) as bridge:
        answers = ResolveDialog(bridge).ask(form())
        assert form().read(answers or {})["strength"] == 0.5
        assert ResolveDialog(bridge).ask(form()) is None


def test_where_no_dialog_can_be_shown_that_is_said_and_calls_go_on() -> None:
    def refusing(shown: dict[str, Any]) -> object:
        return show(Fusion(windows=False), Module(), shown)

    for asking, reason in ((None, "Unsupported"), (refusing, "lets scripts open no windows")):
        with serving(asking) as bridge:
            with pytest.raises(CannotAskError, match=reason):
                ResolveDialog(bridge).ask(form())
            assert bridge.root.offers("__doc__", "Resolve")


def test_a_dialog_that_nobody_answers_is_given_up() -> None:
    answered = threading.Event()
    with serving(lambda shown: answered.wait(30)) as bridge:
        with pytest.raises(HangingError):
            ResolveDialog(bridge, seconds=0.2).ask(form())
        answered.set()


def test_a_resolve_that_goes_away_under_a_dialog_is_no_reason_to_ask_elsewhere() -> None:
    read, write = os.pipe()
    with os.fdopen(read, "rb") as answers, open(os.devnull, "wb") as requests:  # noqa: PTH123
        os.close(write)
        with pytest.raises(NoResolveError):
            ResolveDialog(Bridge(answers, requests)).ask(form())
