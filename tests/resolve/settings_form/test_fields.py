"""A form is plain data: it survives the way to another program, and takes nothing that was not meant."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerprint.errors import InputError
from answerprint.resolve.settings_form.form import FieldKind, Form, FormField
from resolve.settings_form.offers import form

HANDLES = FormField("handles", "Handles", "integer", 24, "Frames.", minimum=0, maximum=100, unit="frames")
STRENGTH = FormField("strength", "Strength", "number", 1.0, "Share.", minimum=0, maximum=1)
STEPS = FormField("steps", "Steps", "integer", None, "More is finer.", minimum=1, empty="the model's own")
PUT = FormField("put", "Put back", "choice", "pool", "Where.", choices=(("pool", "Media pool"), ("track", "New track")))
HIDE = FormField("hide", "Hide", "switch", False, "Hide it.")


def test_a_form_comes_back_from_json_as_it_was() -> None:
    whole = form().again({"handles": 12}, "Handles were odd.")
    first = Form.from_json(json.loads(json.dumps(whole.to_json())))
    assert Form.from_json(json.loads(json.dumps(first.to_json()))) == first
    assert [each.name for each in first.fields] == [each.name for each in whole.fields]
    assert first.problem == "Handles were odd."
    assert replace(first.fields[0], takes="") == whole.fields[0]


@pytest.mark.parametrize(
    ("asked", "given", "meant"),
    [
        (HANDLES, "48", 48),
        (HANDLES, " 48 ", 48),
        (HANDLES, 48.0, 48),
        (HANDLES, 0, 0),
        (STRENGTH, "0.5", 0.5),
        (STRENGTH, "0,5", 0.5),
        (STRENGTH, 1, 1),
        (STEPS, "", None),
        (STEPS, None, None),
        (STEPS, "6", 6),
        (PUT, "track", "track"),
        (PUT, "New track", "track"),
        (HIDE, True, True),
        (HIDE, "Yes", True),
        (HIDE, "off", False),
    ],
)
def test_what_is_given_is_read_as_it_is_meant(asked: FormField, given: object, meant: object) -> None:
    value = asked.read(given)
    assert value == meant
    assert type(value) is type(meant)


@pytest.mark.parametrize(
    ("asked", "given", "remedy"),
    [
        (HANDLES, "many", "a whole number of frames from 0 to 100"),
        (HANDLES, "", "a whole number"),
        (HANDLES, "1.5", "a whole number"),
        (HANDLES, 101, "from 0 to 100"),
        (HANDLES, -1, "from 0 to 100"),
        (HANDLES, True, "a whole number"),
        (STRENGTH, "nan", "a number from 0 to 1"),
        (STRENGTH, "inf", "a number"),
        (STRENGTH, [1], "a number"),
        (STEPS, 0, "a whole number, at least 1"),
        (PUT, "nowhere", "one of those that are listed"),
        (PUT, None, "one of those"),
        (HIDE, "perhaps", "on or off"),
        (HIDE, None, "on or off"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_name_and_what_is_allowed(
    asked: FormField, given: object, remedy: str
) -> None:
    with pytest.raises(InputError) as refused:
        asked.read(given)
    assert refused.value.message.startswith(f"{asked.label} cannot be ")
    assert remedy in refused.value.remedy


@given(st.integers(0, 2**63 - 1))
def test_whole_numbers_stay_exact_however_large(number: int) -> None:
    seed = FormField("seed", "Seed", "integer", 0, "Seed.", minimum=0, maximum=2**63 - 1)
    assert seed.read(str(number)) == seed.read(seed.shown(number)) == number


@given(st.floats(0, 1))
def test_a_number_that_is_shown_is_read_as_it_was(number: float) -> None:
    assert STRENGTH.read(STRENGTH.shown(number)) == pytest.approx(number, rel=1e-11)


@given(
    st.sampled_from([HANDLES, STRENGTH, STEPS, PUT, HIDE]),
    st.one_of(st.text(), st.integers(), st.floats(), st.booleans(), st.none(), st.lists(st.integers())),
)
def test_anything_at_all_is_either_read_or_refused(asked: FormField, given: object) -> None:
    kinds: dict[FieldKind, type | tuple[type, ...]] = {
        "integer": int,
        "number": (int, float),
        "choice": str,
        "switch": bool,
    }
    try:
        value = asked.read(given)
    except InputError:
        return
    assert (value is None and bool(asked.empty)) or isinstance(value, kinds[asked.kind])


def test_a_form_takes_its_defaults_for_what_is_not_answered_and_no_answer_to_what_it_did_not_ask() -> None:
    asked = Form("t", "i", (HANDLES, STEPS))
    assert asked.read({}) == {"handles": 24, "steps": None}
    with pytest.raises(InputError, match="does not ask for 'colour'"):
        asked.read({"colour": "red"})


def test_a_form_that_is_asked_again_keeps_what_could_be_read() -> None:
    again = Form("t", "i", (HANDLES, STRENGTH)).again({"handles": "48", "strength": "much"}, "Strength cannot be much.")
    assert [each.default for each in again.fields] == [48, 1.0]
    assert again.problem == "Strength cannot be much."
