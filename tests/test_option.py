"""Every option is described well enough for a front end to build a form, and values are checked by the description."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerprint.backends.catalogue import families
from answerprint.errors import InputError
from answerprint.option import Option, OptionValue
from answerprint.temporal.options import describe

HEAVY = ("torch", "diffusers", "numpy", "av", "OpenImageIO", "cv2", "grpc")

EVERY = [("method", option) for option in describe()]
EVERY += [(name, option) for name, info in families().items() for option in info.own_options]


def number(kind: str, minimum: float | None = None, maximum: float | None = None) -> Option:
    default: OptionValue = int(minimum or 0) if kind == "int" else minimum or 0.0
    return Option(
        name="n",
        kind="int" if kind == "int" else "float",
        default=default,
        help="A number.",
        minimum=minimum,
        maximum=maximum,
    )


FLAG = Option(name="flag", kind="bool", default=True, help="On or off.")
LOOK = Option(name="look", kind="choice", default="soft", choices=("soft", "hard"), help="How it looks.")
SPAN = Option(
    name="stage", kind="text", format="span", default=(0.0, 1.0), minimum=0, maximum=1, help="From when to when."
)
NOTE = Option(name="note", kind="text", default="", help="Anything.")


@pytest.mark.parametrize("option", [o for _, o in EVERY], ids=[f"{owner} {o.name}" for owner, o in EVERY])
def test_an_option_has_a_plain_sentence_of_help_and_a_default_that_can_be_typed(option: Option) -> None:
    assert option.help[0].isupper() and option.help.endswith(".") and len(option.help.split()) >= 6
    assert "%" not in option.help, "argparse would take it for a format"
    assert option.parse(option.default_text) == option.default
    assert option.form
    assert (option.kind == "choice") == bool(option.choices)


@pytest.mark.parametrize("family", families())
def test_no_two_options_of_a_job_have_one_name(family: str) -> None:
    info = families()[family]
    names = [option.name for option in info.all_options]
    assert len(names) == len(set(names))
    assert {"chunk", "merge_ratio"} <= set(names)
    assert ("sampler" in names) == (info.most_steps != 1), "of a single step there is nothing to choose"


def test_the_options_that_are_shown_first_are_few() -> None:
    basic = [option.name for option in describe() if option.group == "basic"]
    assert {"consistency", "chunk", "noise"} <= set(basic)
    assert len(basic) <= 8


def test_descriptions_are_had_without_a_heavy_library() -> None:
    program = (
        "import sys\n"
        "from answerprint.backends.catalogue import families\n"
        "[option.to_json() for info in families().values() for option in info.all_options]\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules])\n"
    )
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_a_description_travels_as_json() -> None:
    for _, option in EVERY:
        data = json.loads(json.dumps(option.to_json(), allow_nan=False))
        assert data["name"] == option.name
        assert type(data["default"]) is {"bool": bool, "int": int, "float": float}.get(option.kind, str)


@pytest.mark.parametrize(
    ("option", "text", "value"),
    [
        (FLAG, "On", True),
        (FLAG, "0", False),
        (number("int", 1), "7", 7),
        (number("float", 0, 1), "1", 1.0),
        (number("float"), "-3e2", -300.0),
        (LOOK, "hard", "hard"),
        (SPAN, "0-0.3", (0.0, 0.3)),
        (SPAN, "0.5-0.5", (0.5, 0.5)),
        (NOTE, "any thing", "any thing"),
    ],
)
def test_what_is_typed_becomes_a_value(option: Option, text: str, value: OptionValue) -> None:
    assert option.parse(text) == value
    assert type(option.parse(text)) is type(value)


@pytest.mark.parametrize(
    ("option", "text", "allowed"),
    [
        (FLAG, "perhaps", "on or off"),
        (number("int", 1), "0", "a whole number of at least 1"),
        (number("int", 1), "2.5", "a whole number of at least 1"),
        (number("int", 1), "", "a whole number of at least 1"),
        (number("float", 0, 1), "1.01", "a number from 0 to 1"),
        (number("float", 0, 1), "much", "a number from 0 to 1"),
        (number("float", 0), "nan", "a number of at least 0"),
        (number("float", 0), "inf", "a number of at least 0"),
        (LOOK, "Hard", "one of soft, hard"),
        (SPAN, "0.5", "two numbers FROM-TO from 0 to 1"),
        (SPAN, "0.6-0.5", "two numbers FROM-TO from 0 to 1"),
        (SPAN, "0-2", "two numbers FROM-TO from 0 to 1"),
        (SPAN, "nan-nan", "two numbers FROM-TO from 0 to 1"),
    ],
)
def test_a_refusal_names_the_option_what_was_given_and_what_is_allowed(option: Option, text: str, allowed: str) -> None:
    with pytest.raises(InputError) as refusal:
        option.parse(text)
    assert refusal.value.message == f"Option {option.name} does not take {text!r}."
    assert refusal.value.remedy.startswith(f"Give {allowed}")


@pytest.mark.parametrize(
    ("option", "value"),
    [(number("int"), True), (number("int"), 1.0), (number("float"), "1"), (FLAG, 1), (SPAN, "0-1"), (LOOK, True)],
)
def test_a_value_of_another_kind_is_refused(option: Option, value: OptionValue) -> None:
    with pytest.raises(InputError, match=f"Option {option.name} does not take"):
        option.check(value)


def test_a_number_says_what_it_counts() -> None:
    chunk = next(option for option in describe() if option.name == "chunk")
    with pytest.raises(InputError, match="Give a whole number of at least 1, in frames"):
        chunk.parse("none")


@given(st.integers(-(10**12), 10**12), st.floats(-1e6, 1e6))
def test_whole_numbers_are_typed_exactly_and_others_to_twelve_digits(whole: int, broken: float) -> None:
    assert number("int").parse(number("int").text(whole)) == whole
    assert number("float").parse(number("float").text(broken)) == pytest.approx(broken, rel=1e-11, abs=1e-300)


@pytest.mark.parametrize(
    "facts",
    [
        {"kind": "a number", "default": 0},
        {"kind": "float", "default": "0"},
        {"kind": "int", "default": 0, "minimum": 1},
        {"kind": "choice", "default": "a"},
        {"kind": "bool", "default": True, "help": ""},
        {"kind": "bool", "default": True, "group": "expert"},
    ],
)
def test_a_description_that_no_front_end_could_show_is_a_mistake(facts: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="option n"):
        Option(**({"name": "n", "help": "A number."} | facts))  # type: ignore[arg-type]
